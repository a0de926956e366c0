import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    which = dead.nonzero()[:k_aux, 0]
    if len(which) == 0:
        return torch.tensor(0.0)
    return ((x - x_hat).detach() - pre[:, which].relu() @ W_dec[which]).pow(2).sum(-1).mean()
