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
    mods, hs = dict(model.named_modules()), []
    try:
        for n, f in hooks:
            hs.append(mods[n].register_forward_hook(lambda mod, a, o, f=f: f(o, hook=mod)))
        return model(tokens)
    finally:
        for h in hs: h.remove()
