import torch


def l1_loss(x, x_hat, f, W_dec, coefficient):
    W = W_dec.norm(p=2, dim=1, keepdim=True)  # [d_sae, 1]
    return (x - x_hat).pow(2).sum(1).mean(0) + coefficient * (f @ W).squeeze(-1).mean()
