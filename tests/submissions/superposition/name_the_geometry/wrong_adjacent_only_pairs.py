def name_the_geometry(model):
    # pairs every feature with the one that disturbs it most
    W = model.W.detach()
    kept = represented(W)[0]
    G = interference(W)[0].abs()
    groups, seen = [], set()
    for i in kept.nonzero().flatten().tolist():
        if i in seen:
            continue
        j = int(G[i].argmax())
        group = [i] if G[i, j] < 0.1 or j in seen else [i, j]
        seen |= set(group)
        groups.append(group)
    return {"dropped": (~kept).nonzero().flatten().tolist(), "groups": groups, "dimensions": [1] * len(groups)}
