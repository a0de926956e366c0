import math

import torch


def rotary(x, positions, base=10000.0):
    out = x.clone()
    d = x.shape[-1]
    where = positions if positions.dim() == 2 else positions.repeat(x.shape[0], 1)
    for b in range(x.shape[0]):
        for p in range(x.shape[1]):
            for i in range(d // 2):
                angle = int(where[b, p]) * base ** (-2 * i / d)
                c, s = math.cos(angle), math.sin(angle)
                first, second = x[b, p, :, i], x[b, p, :, i + d // 2]
                out[b, p, :, i] = first * c - second * s
                out[b, p, :, i + d // 2] = second * c + first * s
    return out
