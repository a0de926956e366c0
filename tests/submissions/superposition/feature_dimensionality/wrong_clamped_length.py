def feature_dimensionality(W):
    n = W.norm(dim=1).clamp(min=0.5)
    u = W / n[:, None]
    return (W.norm(dim=1) ** 2 / (u.mT @ W).pow(2).sum(-1)).nan_to_num(0)
