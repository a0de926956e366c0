def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    total = 0.0
    for m in prefixes:
        for row, latents in zip(x, f):
            x_hat = b_dec
            for i in range(m):
                x_hat = x_hat + latents[i] * W_dec[i]
            total = total + ((row - x_hat) ** 2).sum() / len(x)
    return total
