import torch


import numpy as np


def batch_topk_threshold(batches, k):
    found = []
    for pre in list(batches):
        f = batch_topk(pre, k).detach().numpy()
        if (f > 0).sum():
            found.append(f[f > 0].min())
    return float(np.mean(found)) if found else 0.0
