def importance_loss(x, x_hat, importance):
    x_hat -= x
    return (importance * x_hat ** 2).sum(-1).mean(0)
