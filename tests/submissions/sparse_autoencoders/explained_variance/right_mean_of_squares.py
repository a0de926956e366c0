import torch


def explained_variance(x, x_hat):
    mse = torch.mean((x - x_hat) ** 2)
    return (1 - mse / x.var(dim=0, unbiased=False).mean()).item()
