import torch
import torch.nn.functional as F


def batch_topk(pre, k):
    flat = pre.reshape(-1)
    rank = flat.argsort(descending=True).argsort()
    mask = (rank < k * len(pre.reshape(-1, pre.shape[-1]))).reshape(pre.shape)
    return F.relu(pre) * mask
