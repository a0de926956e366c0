import torch


@torch.no_grad()
def remove_parallel_gradient(sae):
    if sae.W_dec.grad is None:
        return
    g, w = sae.W_dec.grad, sae.W_dec
    g -= (g * w).sum(-1, keepdim=True) / (g * g).sum(-1, keepdim=True) * w
