def feature_dimensionality(W):
    n = W.norm(dim=1)
    original = W.clone()
    W /= n[:, None].clamp(min=1e-9)
    return n**2 / (W.mT @ original).pow(2).sum(-1).clamp(min=1e-12)
