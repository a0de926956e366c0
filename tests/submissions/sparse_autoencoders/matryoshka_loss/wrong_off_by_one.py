def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    return sum((x - f[:, : m - 1] @ W_dec[: m - 1] - b_dec).pow(2).sum(-1).mean() for m in prefixes)
