import torch


def explained_variance(x, x_hat):
    num, den = 0.0, 0.0
    for j in range(x.shape[1]):
        mean = x[:, j].mean()
        for i in range(x.shape[0]):
            num += (x[i, j] - x_hat[i, j]) ** 2
            den += (x[i, j] - mean) ** 2
    return 1 - num / den
