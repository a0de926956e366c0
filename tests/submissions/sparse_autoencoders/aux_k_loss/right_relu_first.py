import torch
import torch.nn.functional as F


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    n_dead = int(dead.sum())
    if n_dead == 0:
        return (x * 0).sum().detach()
    acts = F.relu(pre) * dead
    top = acts.topk(min(k_aux, n_dead), dim=-1)
    z = torch.zeros_like(acts).scatter(-1, top.indices, top.values)
    return F.mse_loss(z @ W_dec, (x - x_hat).detach(), reduction="sum") / len(x)
