def importance_loss(x, x_hat, importance):
    n = x.shape[-1]
    return n * (importance[None] * (x - x_hat) * (x - x_hat)).mean(2).mean(0)
