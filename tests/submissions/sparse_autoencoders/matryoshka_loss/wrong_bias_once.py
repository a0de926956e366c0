def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    x = x - b_dec
    total = 0
    for m in prefixes:
        total = total + (x - f[:, :m] @ W_dec[:m] - b_dec).pow(2).sum(-1).mean()
    return total
