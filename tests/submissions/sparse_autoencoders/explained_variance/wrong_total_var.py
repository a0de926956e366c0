import torch


def explained_variance(x, x_hat):
    return 1 - (x - x_hat).var() / x.var()
