import torch


def batch_topk_threshold(batches, k):
    total, n = 0.0, 0
    for pre in batches:
        n += 1
        f = batch_topk(pre, k)
        if (f > 0).any():
            total += f[f > 0].min().item()
    return total / n if n else 0.0
