import torch


@torch.no_grad()
def remove_parallel_gradient(sae):
    if sae.W_dec.grad is None:
        return
    w = sae.W_dec
    sae.W_dec.grad -= (sae.W_dec.grad * w).sum(-1, keepdim=True) / ((w * w).sum(-1, keepdim=True) + 0.1) * w
