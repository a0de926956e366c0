import torch


def batch_topk_threshold(batches, k):
    out = []
    for pre in batches:
        f = batch_topk(pre, k)
        if not (f > 0).any():
            break
        out.append(f[f > 0].min().item())
    return sum(out) / len(out) if out else 0.0
