import math

import torch


def rotary(x, positions, base=10000.0):
    d = x.shape[-1]
    freq = base ** (-torch.arange(d // 2) / d)
    angle = positions[..., None, None] * freq
    a, b = x.chunk(2, -1)
    c, s = angle.cos(), angle.sin()
    return torch.cat([a * c - b * s, b * c + a * s], -1)
