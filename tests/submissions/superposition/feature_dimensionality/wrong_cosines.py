import torch.nn.functional as F


def feature_dimensionality(W):
    u = F.normalize(W, dim=1)
    return (W.norm(dim=1) ** 2 / ((u.mT @ u) ** 2).sum(-1)).nan_to_num(0)
