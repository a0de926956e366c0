import math

import torch
import torch.nn.functional as F


def attention_pattern(q, k):
    q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    n = q.shape[1]
    hidden = torch.ones(n, n).triu(1).bool()
    return scores.masked_fill(hidden, -torch.inf).softmax(-1)
