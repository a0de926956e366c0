import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager, ExitStack
from functools import partial
import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def rotary(x, positions, base=10000.0):
    d = x.shape[-1]
    i = torch.arange(d // 2, device=x.device)
    freq = base ** (-2 * i / d)
    table = torch.arange(2048)[:, None] * freq
    angle = table[positions][..., None, :]
    cos, sin = angle.cos(), angle.sin()
    a, b = x[..., : d // 2], x[..., d // 2 :]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1).to(x.dtype)
