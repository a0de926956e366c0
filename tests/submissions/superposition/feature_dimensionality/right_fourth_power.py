import torch


def feature_dimensionality(W):
    gram = W.mT @ W
    top = torch.diagonal(gram, dim1=-2, dim2=-1) ** 2
    bottom = (gram**2).sum(-1)
    return torch.where(bottom > 0, top / bottom.clamp(min=1e-30), torch.zeros(()))
