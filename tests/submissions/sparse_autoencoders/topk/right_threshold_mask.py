import torch
import torch.nn.functional as F


def topk(pre, k):
    kth = pre.kthvalue(pre.shape[-1] - k + 1, dim=-1, keepdim=True).values
    return F.relu(pre) * (pre >= kth)
