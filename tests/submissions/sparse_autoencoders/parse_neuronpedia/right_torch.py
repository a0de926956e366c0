import torch


def parse_neuronpedia(response):
    match response:
        case {"modelId": model, "layer": layer, "index": index}:
            pass
        case {"error": str(text)} | {"message": str(text)}:
            raise ValueError(f"Neuronpedia: {text}")
        case _:
            raise ValueError(f"not a page: {response}")
    r = {k: v for k, v in response.items() if v is not None}
    ex = [(a["tokens"], a["values"]) for a in r.get("activations", []) if a.get("tokens")]
    if any(len(t) != len(v) for t, v in ex):
        raise ValueError("lengths")
    if ex:
        peak = torch.tensor([max(v) for _, v in ex], dtype=torch.float64)
        ex = [ex[i] for i in peak.argsort(descending=True, stable=True)]
    sides = []
    for s in ("pos", "neg"):
        t, v = r.get(s + "_str", []), r.get(s + "_values", [])
        if len(t) != len(v):
            raise ValueError("lengths")
        sides.append([(a, float(b)) for a, b in zip(t, v)])
    return FeaturePage(model, layer, int(index), float(r.get("frac_nonzero", 0)), float(r.get("maxActApprox", 0)), *sides,
                       [e["description"] for e in r.get("explanations", []) if e.get("description")], ex)
