import math

import torch
import torch.nn.functional as F


def attention_pattern(q, k):
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    n = q.shape[1]

    return F.softmax(scores + torch.full((n, n), float("-inf")).triu(1), dim=-1)
