import torch


def importance_loss(x, x_hat, importance):
    w = importance.sqrt()
    return torch.linalg.vector_norm((x - x_hat) * w, dim=2).square().mean(dim=0)
