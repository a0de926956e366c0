import torch


def l1_loss(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).pow(2).sum(-1).mean() + coefficient * (f * W_dec.norm(dim=-1)).norm(dim=-1).mean()
