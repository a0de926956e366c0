def feature_dimensionality(W):
    gram = W[0].T @ W[0]
    d = (gram.diagonal() ** 2 / (gram**2).sum(-1)).nan_to_num(0)
    return d.expand(W.shape[0], -1)
