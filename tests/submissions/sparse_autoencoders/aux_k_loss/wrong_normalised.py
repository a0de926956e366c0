import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    n = min(k_aux, int(dead.sum()))
    if n == 0:
        return torch.tensor(0.0)
    e = (x - x_hat).detach()
    top = pre.masked_fill(~dead, -torch.inf).topk(n)
    z = torch.zeros_like(pre).scatter(-1, top.indices, top.values.relu())
    return (e - z @ W_dec).pow(2).mean() / (e - e.mean(0)).pow(2).mean()
