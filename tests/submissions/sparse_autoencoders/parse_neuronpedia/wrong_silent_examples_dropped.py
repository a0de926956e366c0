def parse_neuronpedia(response):
    required = ("modelId", "layer", "index")
    if not isinstance(response, dict):
        raise ValueError("Neuronpedia does not have this feature")
    if any(k not in response for k in required):
        for k in ("error", "message"):
            if isinstance(response.get(k), str):
                raise ValueError(f"Neuronpedia says: {response[k]}")
        raise ValueError(f"missing keys in {sorted(response)}")
    index = int(response["index"])

    def pairs(a, b):
        a, b = response.get(a) or [], response.get(b) or []
        if len(a) != len(b):
            raise ValueError("lists of different lengths")
        return [(t, float(v)) for t, v in zip(a, b)]

    explanations = [e["description"] for e in response.get("explanations") or [] if e.get("description")]
    examples = []
    for a in response.get("activations") or []:
        tokens, values = a.get("tokens") or [], a.get("values") or []
        if not tokens or not any(values):
            continue
        if len(tokens) != len(values):
            raise ValueError("tokens and values of different lengths")
        examples.append((list(tokens), [float(v) for v in values]))
    examples.sort(key=lambda e: -max(e[1]))
    return FeaturePage(
        response["modelId"],
        response["layer"],
        index,
        float(response.get("frac_nonzero") or 0.0),
        float(response.get("maxActApprox") or 0.0),
        pairs("pos_str", "pos_values"),
        pairs("neg_str", "neg_values"),
        explanations,
        examples,
    )
