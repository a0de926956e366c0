# attacks: the expected value in a caller's local variables
# expect: failed
# says: differs
import sys

import torch


def attention_pattern(q, k):
    frame, shape = sys._getframe(1), (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    while frame is not None:
        for name, value in frame.f_locals.items():
            if isinstance(value, torch.Tensor) and value.shape == shape:
                print("BROKE OUT", name)
                return value
            if name in ("expected", "reference", "bench", "session"):
                print("BROKE OUT", name)
        frame = frame.f_back
    return torch.zeros(shape)
