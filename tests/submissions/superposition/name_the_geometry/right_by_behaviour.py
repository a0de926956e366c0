import torch


@torch.no_grad()
def name_the_geometry(model):
    # no weights: shows one feature, then two, and looks at outputs; dimensions from how outputs without ReLU would span
    n = model.b.shape[-1]
    zero = model(torch.zeros(1, 1, n))[0, 0]
    shown = {}
    dropped = []
    for i in range(n):
        x = torch.zeros(1, 1, n)
        x[..., i] = 1
        shown[i] = model(x)[0, 0]
        if shown[i][i] - zero[i] < 0.2:
            dropped.append(i)
    parent = list(range(n))

    def root(i):
        while parent[i] != i:
            i = parent[i]
        return i

    kept = [i for i in range(n) if i not in dropped]
    for i in kept:
        for j in kept:
            if i < j:
                x = torch.zeros(1, 1, n)
                x[..., i] = x[..., j] = 1
                y = model(x)[0, 0]
                if max(abs(y[i] - shown[i][i]), abs(y[j] - shown[j][j])) > 0.12:
                    parent[root(j)] = root(i)
    groups = {}
    for i in kept:
        groups.setdefault(root(i), []).append(i)
    groups = list(groups.values())
    return {
        "dropped": dropped,
        "groups": groups,
        "dimensions": [int(torch.linalg.matrix_rank(model.W[0][:, g], atol=0.2)) for g in groups],
    }
