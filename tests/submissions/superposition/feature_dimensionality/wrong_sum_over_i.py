import torch.nn.functional as F


def feature_dimensionality(W):
    overlap = F.normalize(W, dim=1).mT @ W
    return (W.norm(dim=1) ** 2 / (overlap**2).sum(1)).nan_to_num(0)
