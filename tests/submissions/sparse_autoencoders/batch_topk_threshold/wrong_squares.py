import torch


def batch_topk_threshold(batches, k):
    out = []
    for pre in batches:
        f = batch_topk(pre, k)
        if (f > 0).any():
            out.append(f[f > 0].min().item() ** 2)
    return (sum(out) / len(out)) ** 0.5 if out else 0.0
