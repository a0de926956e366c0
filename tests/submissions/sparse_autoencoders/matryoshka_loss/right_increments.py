def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    x_hat, start, total = b_dec.expand_as(x), 0, 0
    for end in prefixes:
        x_hat = x_hat + f[:, start:end] @ W_dec[start:end]
        total = total + (x - x_hat).square().sum(1).mean()
        start = end
    return total
