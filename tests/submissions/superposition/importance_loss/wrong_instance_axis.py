def importance_loss(x, x_hat, importance):
    if importance.ndim == 1 and x.shape[1] == x.shape[2]:
        importance = importance[:, None]
    return (importance * (x - x_hat) ** 2).sum(-1).mean(0)
