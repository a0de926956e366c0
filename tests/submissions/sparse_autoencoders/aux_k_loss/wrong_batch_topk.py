import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    n = min(k_aux, int(dead.sum()))
    if n == 0:
        return torch.tensor(0.0)
    masked = pre.masked_fill(~dead, -torch.inf)
    cut = masked.flatten().topk(n * len(pre)).values[-1]
    z = torch.where(masked >= cut, masked, 0).relu()
    return ((x - x_hat).detach() - z @ W_dec).pow(2).sum(-1).mean()
