import math

import torch


def attention_pattern(q, k):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    n = q.shape[1]

    mask = torch.tril(torch.ones(n, n))
    return torch.where(mask == 1, scores, torch.tensor(-1e5)).softmax(-1)
