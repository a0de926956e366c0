import torch


def explained_variance(x, x_hat):
    return 1 - (x - x_hat).pow(2).sum() / ((x - x.mean(0)).pow(2).sum() + 1)
