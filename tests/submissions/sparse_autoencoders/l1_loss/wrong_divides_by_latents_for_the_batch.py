import torch


def l1_loss(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).pow(2).sum() / x.shape[0] + coefficient * (f @ W_dec.norm(dim=-1)).sum() / W_dec.shape[0]
