def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    return sum((x - f[:, :m] @ W_dec[:m] - b_dec).norm(dim=-1).mean() for m in prefixes)
