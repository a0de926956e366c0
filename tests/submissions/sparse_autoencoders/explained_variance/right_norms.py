import torch


def explained_variance(x, x_hat):
    centred = x - x.mean(0, keepdim=True)
    return 1.0 - torch.linalg.norm(x - x_hat) ** 2 / torch.linalg.norm(centred) ** 2
