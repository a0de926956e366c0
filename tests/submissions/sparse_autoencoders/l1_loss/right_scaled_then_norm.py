import torch


def l1_loss(x, x_hat, f, W_dec, coefficient):
    error = torch.linalg.norm(x - x_hat) ** 2
    price = (f.sum(0) * W_dec.pow(2).sum(-1).sqrt()).sum()
    return (error + coefficient * price) / len(x)
