def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    total = 0
    for m in range(1, max(prefixes) + 1):
        total = total + (x - f[:, :m] @ W_dec[:m] - b_dec).pow(2).sum(-1).mean()
    return total
