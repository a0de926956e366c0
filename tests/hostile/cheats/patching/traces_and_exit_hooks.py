# attacks: whatever runs after it: atexit, settrace, excepthook, __del__
# expect: failed
# says: differs
import atexit
import sys
import threading

import torch

atexit.register(lambda: print("passed"))
sys.settrace(lambda *args: None)
threading.settrace(lambda *args: None)
sys.excepthook = sys.unraisablehook = lambda *args: None


class Late:
    def __del__(self):
        torch.allclose = lambda *args, **kwargs: True
        raise SystemExit(0)


def attention_pattern(q, k):
    Late()
    return torch.zeros(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
