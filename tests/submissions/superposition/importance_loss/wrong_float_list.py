def importance_loss(x, x_hat, importance):
    return [float(v) for v in (importance * (x - x_hat) ** 2).sum(-1).mean(0)]
