import math

import torch


def attention_pattern(q, k):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    n = q.shape[1]

    weights = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = (scores - scores.masked_fill(torch.ones(n, n).triu(1).bool(), -math.inf).amax(-1, keepdim=True)).exp()
    weights = weights * torch.tril(torch.ones(n, n))
    return weights / weights.sum(-1, keepdim=True)
