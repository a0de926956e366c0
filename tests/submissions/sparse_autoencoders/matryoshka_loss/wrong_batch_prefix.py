def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    return sum((x[:m] - f[:m] @ W_dec - b_dec).pow(2).sum(-1).mean() for m in prefixes)
