def importance_loss(x, x_hat, importance):
    return (importance * (x - x_hat) ** 2).sum(-1, keepdim=True).mean(0)
