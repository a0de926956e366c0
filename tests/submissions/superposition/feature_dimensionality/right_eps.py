def feature_dimensionality(W):
    norm = W.norm(dim=1)
    W_hat = W / (norm.unsqueeze(1) + 1e-8)
    return norm**2 / (((W_hat.mT @ W) ** 2).sum(-1) + 1e-8)
