def parse_neuronpedia(response):
    if not isinstance(response, dict):
        raise ValueError(f"not an object: {response}")
    if "modelId" not in response or "layer" not in response or "index" not in response:
        raise ValueError(f"no feature: {response.get('error') or response.get('message')}")

    def pairs(side):
        t, v = response.get(side + "_str") or [], response.get(side + "_values") or []
        return [(a, float(b)) for a, b in zip(t, v, strict=True)]

    examples = []
    for a in response.get("activations") or []:
        if a.get("tokens"):
            examples.append(("".join(a["tokens"]), [float(v) for _, v in zip(a["tokens"], a["values"], strict=True)]))
    examples = sorted(examples, key=lambda e: max(e[1]), reverse=True)
    return FeaturePage(
        response["modelId"], response["layer"], int(response["index"]),
        float(response.get("frac_nonzero") or 0), float(response.get("maxActApprox") or 0),
        pairs("pos"), pairs("neg"),
        [e["description"] for e in response.get("explanations") or [] if e.get("description")], examples)
