def importance_loss(x, x_hat, importance):
    return (importance * (x.detach() - x_hat) ** 2).sum(-1).mean(0)
