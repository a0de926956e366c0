import math

import torch


def rotary(x, positions, base=10000.0):
    d = x.size(-1)
    table = torch.outer(
        torch.arange(int(positions.max()) + 1).float(), torch.pow(base, -torch.arange(0, d, 2).float() / d)
    )
    angle = table[positions]
    while angle.dim() < 4:
        angle = angle.unsqueeze(0) if angle.dim() == 3 else angle.unsqueeze(1)
    if positions.dim() == 2:
        angle = table[positions][:, :, None, :]
    x1, x2 = torch.split(x, d // 2, dim=-1)
    return torch.concat([x1 * angle.cos() - x2 * angle.sin(), x1 * angle.sin() + x2 * angle.cos()], dim=-1)
