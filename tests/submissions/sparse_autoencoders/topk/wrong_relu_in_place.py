import torch
import torch.nn.functional as F


def topk(pre, k):
    pre.relu_()
    v, i = pre.topk(k, dim=-1)
    return torch.zeros_like(pre).scatter(-1, i, v)
