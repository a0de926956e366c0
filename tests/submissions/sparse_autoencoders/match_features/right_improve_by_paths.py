import torch


def match_features(dictionary, truth):
    """The Hungarian method by hand: shortest augmenting paths with potentials."""
    cos = torch.nn.functional.cosine_similarity(truth[:, None].double(), dictionary.detach()[None].double(), dim=-1)
    flip = cos.shape[0] > cos.shape[1]
    cost = (-cos.T if flip else -cos).tolist()
    n, m = len(cost), len(cost[0])
    inf = float("inf")
    u, v, p, way = [0.0] * (n + 1), [0.0] * (m + 1), [0] * (m + 1), [0] * (m + 1)
    for i in range(1, n + 1):
        p[0] = i
        j0 = 0
        minv, used = [inf] * (m + 1), [False] * (m + 1)
        while True:
            used[j0] = True
            i0, delta, j1 = p[j0], inf, -1
            for j in range(1, m + 1):
                if not used[j]:
                    cur = cost[i0 - 1][j - 1] - u[i0] - v[j]
                    if cur < minv[j]:
                        minv[j], way[j] = cur, j0
                    if minv[j] < delta:
                        delta, j1 = minv[j], j
            for j in range(m + 1):
                if used[j]:
                    u[p[j]] += delta
                    v[j] -= delta
                else:
                    minv[j] -= delta
            j0 = j1
            if p[j0] == 0:
                break
        while j0:
            j1 = way[j0]
            p[j0] = p[j1]
            j0 = j1
    similarity, index = torch.zeros(len(truth)), torch.full((len(truth),), -1)
    for j in range(1, m + 1):
        if p[j]:
            feature, latent = (j - 1, p[j] - 1) if flip else (p[j] - 1, j - 1)
            similarity[feature], index[feature] = cos[feature, latent].float(), latent
    return similarity, index
