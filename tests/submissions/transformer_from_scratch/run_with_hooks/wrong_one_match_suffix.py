import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager, ExitStack
from functools import partial
import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def run_with_hooks(model, tokens, hooks):
    hs = []
    try:
        for n, f in hooks:
            hit = [m for k, m in model.named_modules() if k.endswith(n)]
            if not hit: raise KeyError(n)
            for m in hit: hs.append(m.register_forward_hook(lambda mod, a, o, f=f: f(o, mod)))
        return model(tokens)
    finally:
        for h in hs: h.remove()
