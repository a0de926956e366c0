import math

import torch


def rotary(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    z = torch.complex(x[..., :half].contiguous(), x[..., half:].contiguous())
    theta = torch.exp(-math.log(base) * 2 * torch.arange(half) / x.shape[-1])
    angle = positions.unsqueeze(-1) * theta
    z = z * torch.polar(torch.ones_like(angle), angle).unsqueeze(-2)
    return torch.cat((z.real, z.imag), -1)
