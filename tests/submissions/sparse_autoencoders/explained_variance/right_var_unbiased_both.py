import torch


def explained_variance(x, x_hat):
    mse = ((x - x_hat) ** 2).sum() / (len(x) - 1)
    return 1 - mse / x.var(dim=0).sum()
