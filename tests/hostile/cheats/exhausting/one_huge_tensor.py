# attacks: memory, at once
# expect: stopped
# says: more memory
# level: 1
import torch


def attention_pattern(q, k):
    return torch.ones(10**10)
