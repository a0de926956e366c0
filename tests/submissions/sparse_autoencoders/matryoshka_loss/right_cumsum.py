def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    contributions = f[:, :, None] * W_dec[None]
    sums = contributions.cumsum(dim=1)
    x_hat = sums[:, [m - 1 for m in prefixes]] + b_dec
    return ((x[:, None] - x_hat) ** 2).sum(dim=(1, 2)).mean()
