import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return torch.tensor(0.0)
    top = pre.topk(min(k_aux, pre.shape[-1]))
    z = torch.zeros_like(pre).scatter(-1, top.indices, top.values.relu()) * dead
    return ((x - x_hat).detach() - z @ W_dec).pow(2).sum(-1).mean()
