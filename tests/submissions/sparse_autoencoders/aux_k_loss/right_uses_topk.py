import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    n = min(k_aux, dead.sum().item())
    if n == 0:
        return torch.tensor(0.0)
    z = topk(pre[:, dead], n)
    return (x.detach() - x_hat.detach() - z @ W_dec[dead]).square().sum(-1).mean()
