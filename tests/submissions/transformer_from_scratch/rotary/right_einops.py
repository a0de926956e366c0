import math

import torch
from einops import rearrange


def rotary(x, positions, base=10000.0):
    angle = positions.double()[..., None, None] / base ** (torch.arange(x.shape[-1] // 2).double() * 2 / x.shape[-1])
    a, b = rearrange(x.double(), "batch pos head (two half) -> two batch pos head half", two=2)
    out = torch.stack([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()])
    return rearrange(out, "two batch pos head half -> batch pos head (two half)").to(x.dtype)
