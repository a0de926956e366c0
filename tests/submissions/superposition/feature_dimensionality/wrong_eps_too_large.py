def feature_dimensionality(W):
    n = W.norm(dim=1)
    u = W / (n[:, None] + 1e-2)
    return n**2 / ((u.mT @ W).pow(2).sum(-1) + 1e-2)
