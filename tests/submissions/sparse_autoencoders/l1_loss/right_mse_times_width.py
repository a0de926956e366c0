import torch.nn.functional as F


def l1_loss(x, x_hat, f, W_dec, coefficient):
    mse = F.mse_loss(x_hat, x) * x.shape[-1]
    l1 = (f * W_dec.norm(dim=1)).sum(dim=1).mean()
    return mse + coefficient * l1
