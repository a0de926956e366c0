def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    total = 0
    for m in reversed(list(prefixes)):
        f.data[:, m:] = 0
        total = total + (x - f @ W_dec - b_dec).pow(2).sum(-1).mean()
    return total
