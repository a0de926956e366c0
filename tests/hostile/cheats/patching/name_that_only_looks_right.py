# attacks: the name of the exercise, by a letter that looks the same (Cyrillic)
# expect: error
# says: not defined
import torch


def attentiоn_pattern(q, k):
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
