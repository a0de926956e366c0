import numpy as np


def explained_variance(x, x_hat):
    x, x_hat = x.detach().double().numpy(), x_hat.detach().double().numpy()
    return float(1 - np.square(x - x_hat).sum() / (x.var(axis=0) * len(x)).sum())
