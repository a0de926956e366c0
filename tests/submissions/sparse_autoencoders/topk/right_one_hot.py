import torch
import torch.nn.functional as F


def topk(pre, k):
    values, places = torch.relu(pre).topk(k, dim=-1)
    return (F.one_hot(places, pre.shape[-1]) * values[..., None]).sum(dim=-2)
