import torch.nn.functional as F


def importance_loss(x, x_hat, importance):
    return (importance * 2 * F.smooth_l1_loss(x_hat, x, reduction="none")).sum(-1).mean(0)
