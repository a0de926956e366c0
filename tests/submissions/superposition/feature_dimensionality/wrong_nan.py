def feature_dimensionality(W):
    gram = W.mT @ W
    return gram.diagonal(dim1=1, dim2=2) ** 2 / (gram**2).sum(-1)
