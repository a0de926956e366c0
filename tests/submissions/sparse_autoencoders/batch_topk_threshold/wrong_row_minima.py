import torch


def batch_topk_threshold(batches, k):
    out = []
    for pre in batches:
        for row in batch_topk(pre, k):
            if (row > 0).any():
                out.append(row[row > 0].min().item())
    return sum(out) / len(out) if out else 0.0
