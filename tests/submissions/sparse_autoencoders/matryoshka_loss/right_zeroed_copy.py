import torch.nn.functional as F


def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    losses = []
    for m in prefixes:
        part = f.clone()
        part[:, m:] = 0
        losses.append(F.mse_loss(part @ W_dec + b_dec, x, reduction="none").sum(-1).mean())
    return sum(losses)
