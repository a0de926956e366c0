import torch


def batch_topk_threshold(batches, k):
    out = []
    for pre in batches:
        f = batch_topk(pre, k)
        if (f > 0).any():
            rest = pre[(f == 0)]
            out.append(rest.max().item())
    return sum(out) / len(out) if out else 0.0
