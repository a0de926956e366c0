# attacks: the wire, by a tensor of one number that says that it is many
# expect: stopped failed
# says: memory|larger than
# level: 1
import torch


def attention_pattern(q, k):
    return torch.ones(1).expand(10**9)
