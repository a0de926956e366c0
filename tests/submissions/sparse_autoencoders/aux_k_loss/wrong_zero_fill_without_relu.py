import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    n = min(k_aux, int(dead.sum()))
    if n == 0:
        return torch.tensor(0.0)
    top = (pre * dead).topk(n)
    z = torch.zeros_like(pre).scatter(-1, top.indices, top.values)
    left = (x - x_hat).detach()
    return (left - (z - pre * 0.01) @ W_dec).pow(2).sum(-1).mean()
