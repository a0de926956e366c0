import torch


def l0(f):
    return torch.count_nonzero(f).item() / f[..., 0].numel()
