def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    total = 0
    for m in prefixes:
        x_hat = f[:, :m] @ W_dec[:m] + b_dec
        total = (total.detach() if torch.is_tensor(total) else total) + (x - x_hat).pow(2).sum(-1).mean()
    return total
