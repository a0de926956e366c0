def importance_loss(x, x_hat, importance):
    if importance.ndim == 2:
        importance = importance.mean(0)
    return (importance * (x - x_hat) ** 2).sum(-1).mean(0)
