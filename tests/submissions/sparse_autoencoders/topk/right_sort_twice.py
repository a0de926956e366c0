import torch
import torch.nn.functional as F


def topk(pre, k):
    rank = pre.argsort(dim=-1, descending=True).argsort(dim=-1)
    return torch.where(rank < k, pre, torch.zeros_like(pre)).clamp(min=0)
