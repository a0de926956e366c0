def parse_neuronpedia(response):
    if not isinstance(response, dict):
        raise ValueError(f"expected a JSON object, got {response}")
    missing = [k for k in ("modelId", "layer", "index") if response.get(k) is None]
    if missing:
        raise ValueError(f"missing {missing}; server said: {response.get('error', '')}{response.get('message', '')}")

    def together(a, b):
        a, b = list(a or ()), list(b or ())
        if len(a) - len(b):
            raise ValueError(f"{len(a)} tokens but {len(b)} values")
        return [[x, 1.0 * y] for x, y in zip(a, b)]

    examples = []
    for one in response.get("activations") or ():
        pairs = together(one.get("tokens"), one.get("values"))
        if not pairs:
            continue
        new = ([t for t, _ in pairs], [v for _, v in pairs])
        at = sum(max(v) >= max(new[1]) for _, v in examples)
        examples.insert(at, new)
    return FeaturePage(
        model=str(response["modelId"]),
        source=str(response["layer"]),
        index=int(str(response["index"])),
        density=1.0 * (response.get("frac_nonzero") or 0),
        max_activation=1.0 * (response.get("maxActApprox") or 0),
        positive_logits=[tuple(p) for p in together(response.get("pos_str"), response.get("pos_values"))],
        negative_logits=[tuple(p) for p in together(response.get("neg_str"), response.get("neg_values"))],
        explanations=[e["description"] for e in response.get("explanations") or () if "description" in e and e["description"]],
        examples=examples,
    )
