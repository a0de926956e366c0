import math

import torch


def rotary(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    angle = torch.einsum("...p,i->...pi", positions.double(), base ** (-torch.arange(half).double() / half))
    c, s = angle.cos(), angle.sin()
    matrix = torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2).float()
    matrix = matrix.expand(*x.shape[:2], half, 2, 2)
    pairs = torch.stack([x[..., :half], x[..., half:]], -1)
    turned = torch.einsum("bpirc,bphic->bphir", matrix, pairs)
    return torch.cat([turned[..., 0], turned[..., 1]], -1)
