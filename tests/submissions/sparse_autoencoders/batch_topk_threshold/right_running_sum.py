import torch


def batch_topk_threshold(batches, k):
    total, n = 0.0, 0
    for pre in batches:
        f = batch_topk(pre, k)
        if f.max() > 0:
            total += f.masked_fill(f <= 0, float("inf")).min()
            n += 1
    return total / n if n else 0.0
