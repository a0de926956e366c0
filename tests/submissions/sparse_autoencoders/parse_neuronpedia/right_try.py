def parse_neuronpedia(response):
    try:
        model, source, index = response["modelId"], response["layer"], int(response["index"])
    except (KeyError, TypeError) as e:
        detail = response
        if isinstance(response, dict):
            detail = [response[key] for key in ("error", "message") if isinstance(response.get(key), str)]
        raise ValueError(f"no feature in this response: {detail}") from e

    def get(key):
        return response.get(key) or []

    page = FeaturePage(model, source, index, float(response.get("frac_nonzero") or 0.0),
                       float(response.get("maxActApprox") or 0.0),
                       [*zip(get("pos_str"), map(float, get("pos_values")), strict=True)],
                       [*zip(get("neg_str"), map(float, get("neg_values")), strict=True)],
                       list(filter(None, (e.get("description") for e in get("explanations")))))
    for act in get("activations"):
        toks = act.get("tokens") or []
        vals = act.get("values") or []
        if len(toks) != len(vals):
            raise ValueError("tokens and values do not match")
        if toks:
            page.examples.append((toks, [float(v) for v in vals]))
    page.examples.sort(key=lambda ex: -max(ex[1]))
    return page
