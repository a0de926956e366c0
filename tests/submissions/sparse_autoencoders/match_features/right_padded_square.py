import numpy as np
import torch
from scipy.optimize import linear_sum_assignment


def match_features(dictionary, truth):
    d = dictionary.detach().numpy().astype(float)
    t = truth.numpy().astype(float)
    d = d / np.maximum(np.linalg.norm(d, axis=1, keepdims=True), 1e-12)
    t = t / np.linalg.norm(t, axis=1, keepdims=True)
    cost = -t @ d.T
    rows, cols = linear_sum_assignment(cost)
    sim = np.zeros(len(t), dtype=np.float32)
    idx = -np.ones(len(t), dtype=np.int64)
    for r, c in zip(rows, cols):
        sim[r] = -cost[r, c]
        idx[r] = c
    return torch.from_numpy(sim), torch.from_numpy(idx)
