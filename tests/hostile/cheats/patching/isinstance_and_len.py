# attacks: built-in functions that the worker uses
# expect: failed stopped error
import builtins

import torch

builtins.isinstance = lambda *args: True
builtins.len = lambda x: 0
builtins.type = lambda *args: torch.Tensor


def attention_pattern(q, k):
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
