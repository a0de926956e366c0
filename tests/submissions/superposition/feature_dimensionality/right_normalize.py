import torch
import torch.nn.functional as F


def feature_dimensionality(W):
    unit = F.normalize(W, dim=1)
    overlap = torch.einsum("ahi,ahj->aij", unit, W)
    return ((W**2).sum(1) / (overlap**2).sum(2)).nan_to_num(0.0)
