import torch


def batch_topk_threshold(batches, k):
    mins = []
    for pre in batches:
        values = pre.flatten().sort(descending=True).values[: k * len(pre)]
        values = values[values > 0]
        mins += values[-1:].tolist()
    return sum(mins) / max(len(mins), 1)
