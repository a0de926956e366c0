def parse_neuronpedia(response):
    if type(response) is not dict:
        raise ValueError("null")
    for key in ("modelId", "layer", "index"):
        if key not in response:
            detail = response.get("error") if isinstance(response.get("error"), str) else response.get("message")
            raise ValueError(f"{key} is missing: {detail}")
    data = deepcopy(response)
    same = lambda a, b: len(a) == len(b)
    P, PV, N, NV = (data.get(k) or [] for k in ("pos_str", "pos_values", "neg_str", "neg_values"))
    if not (same(P, PV) and same(N, NV)):
        raise ValueError("logits")
    ordered = []
    for a in data.get("activations") or []:
        if a.get("tokens") in (None, []):
            continue
        if not same(a["tokens"], a.get("values") or []):
            raise ValueError("activations")
        spot = len(ordered)
        while spot and max(ordered[spot - 1][1]) < max(a["values"]):
            spot -= 1
        ordered.insert(spot, (a["tokens"], a["values"]))
    return FeaturePage(
        model=data["modelId"],
        source=data["layer"],
        index=int(str(data["index"])),
        density=data.get("frac_nonzero") or 0.0,
        max_activation=data.get("maxActApprox") or 0.0,
        positive_logits=[*zip(P, PV)],
        negative_logits=[*zip(N, NV)],
        explanations=[e["description"] for e in data.get("explanations") or [] if e.get("description", None)],
        examples=ordered,
    )
