import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    n = int(dead.sum())
    if n == 0:
        return torch.tensor(0.0)
    scale = min(n / k_aux, 1.0)
    top = torch.where(dead[None], pre, -torch.inf).topk(min(k_aux, n), sorted=False)
    z = torch.zeros_like(pre).scatter(-1, top.indices, top.values.relu())
    return scale * (z @ W_dec - (x - x_hat).detach()).pow(2).sum(-1).mean()
