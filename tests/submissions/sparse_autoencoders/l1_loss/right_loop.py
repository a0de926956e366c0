import torch


def l1_loss(x, x_hat, f, W_dec, coefficient):
    loss = 0
    for b in range(x.shape[0]):
        error = ((x[b] - x_hat[b]) ** 2).sum()
        price = 0
        for i in range(f.shape[1]):
            price = price + f[b, i] * torch.sqrt((W_dec[i] ** 2).sum())
        loss = loss + error + coefficient * price
    return loss / x.shape[0]
