import torch


def explained_variance(x, x_hat):
    return 1 - (x - x_hat).pow(2).mean().sqrt() / x.std(dim=0).mean()
