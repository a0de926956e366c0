import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    n = min(k_aux, int(dead.sum()))
    if n == 0:
        return torch.tensor(0.0)
    top = pre.masked_fill(~dead, -torch.inf).topk(n)
    z = torch.zeros_like(pre).scatter(-1, top.indices, top.values.relu())
    return (x.detach() - x_hat - z @ W_dec).pow(2).sum(-1).mean()
