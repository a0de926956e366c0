import torch


def l1_loss(x, x_hat, f, W_dec, coefficient):
    error = (x - x_hat).pow(2).sum(-1) / x.pow(2).sum(-1)
    return error.mean() + coefficient * (f @ W_dec.norm(dim=-1)).mean()
