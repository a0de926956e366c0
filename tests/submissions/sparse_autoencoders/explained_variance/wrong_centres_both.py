import torch


def explained_variance(x, x_hat):
    a, b = x - x.mean(0), x_hat - x_hat.mean(0)
    return 1 - (a - b).pow(2).sum() / a.pow(2).sum()
