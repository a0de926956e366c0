# attacks: comparisons with nan, which is never greater than a tolerance
# expect: failed
# says: nan
import torch


def attention_pattern(q, k):
    return torch.full((q.shape[0], q.shape[2], q.shape[1], k.shape[1]), torch.nan)
