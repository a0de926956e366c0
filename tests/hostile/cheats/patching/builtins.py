# attacks: built-in functions that a grader would use
# expect: failed
# says: differs|could not be graded
import builtins

import torch

isinstance_ = isinstance
builtins.all = builtins.any = lambda *args: True
builtins.abs = lambda x: 0
builtins.AssertionError = type("AssertionError", (BaseException,), {})


def attention_pattern(q, k):
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
