import torch
import torch.nn.functional as F


def batch_topk(pre, k):
    n = pre[..., 0].numel()
    cut = pre.flatten().topk(k * n).values[-1].clamp(min=0)
    return F.relu(pre - cut)
