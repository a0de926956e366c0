def feature_dimensionality(W):
    gram = W.mT @ W
    return (gram.diagonal(dim1=1, dim2=2) ** 2 / (gram**2).sum(-1)).nan_to_num(0).round(decimals=1)
