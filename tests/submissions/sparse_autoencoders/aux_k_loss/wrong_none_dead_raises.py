import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    mine = pre[:, dead]
    cut = mine.sort(dim=-1).values[:, -min(k_aux, mine.shape[1])][:, None]
    z = torch.where(mine >= cut, mine, 0).relu()
    return ((x - x_hat).detach() - z @ W_dec[dead]).pow(2).sum(-1).mean()
