import torch


def l1_loss(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).pow(2).sum(-1).mean() + coefficient * f.sum(-1).mean() * W_dec.norm(dim=-1).mean()
