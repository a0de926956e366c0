def importance_loss(x, x_hat, importance):
    return (importance * (x - x_hat) ** 2).sum(-1).sum(0) / max(1, x.shape[0] - 1)
