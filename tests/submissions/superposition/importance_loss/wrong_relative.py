def importance_loss(x, x_hat, importance):
    return (importance * ((x - x_hat) / (x + 1)) ** 2).sum(-1).mean(0)
