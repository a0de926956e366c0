import torch


def name_the_geometry(model):
    # label propagation; tuples, sorted the other way round
    W = model.W.detach()[0]
    n = W.shape[1]
    keep = [i for i in range(n) if W[:, i].norm() > 0.4]
    G = (W.T @ W).abs()
    label = list(range(n))
    for _ in range(n):
        for i in keep:
            for j in keep:
                if G[i, j] > 0.2:
                    label[i] = label[j] = min(label[i], label[j])
    groups = [
        tuple(i for i in reversed(keep) if label[i] == k) for k in sorted(set(label[i] for i in keep), reverse=True)
    ]
    return {
        "groups": tuple(groups),
        "dropped": tuple(i for i in range(n) if i not in keep),
        "dimensions": [float((torch.linalg.svdvals(W[:, list(g)]) > 0.5).sum()) for g in groups],
    }
