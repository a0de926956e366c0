import torch


def batch_topk_threshold(batches, k):
    t = 0.0
    for pre in batches:
        f = batch_topk(pre, k)
        if (f > 0).any():
            t = 0.9 * t + 0.1 * f[f > 0].min().item()
    return t
