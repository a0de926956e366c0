import torch.nn.functional as F


def importance_loss(x, x_hat, importance):
    per = F.mse_loss(x_hat, x, reduction="none")
    return (importance.expand(x.shape[1:]) * per).mean(0).sum(-1)
