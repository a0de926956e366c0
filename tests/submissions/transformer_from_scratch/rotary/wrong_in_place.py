import math

import torch


def rotary(x, positions, base=10000.0):
    d = x.shape[-1]
    freq = base ** (-torch.arange(0, d, 2) / d)
    angle = positions[..., None, None] * freq
    a, b = x.chunk(2, -1)
    c, s = angle.cos(), angle.sin()
    first = a.clone()
    a *= c
    a -= b * s
    b *= c
    b += first * s
    return x
