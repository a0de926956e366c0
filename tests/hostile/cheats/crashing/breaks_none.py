# attacks: the interpreter's own objects
# expect: stopped failed
import ctypes

import torch


def attention_pattern(q, k):
    ctypes.memset(id(None), 0, 16)
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
