import torch


@torch.no_grad()
def remove_parallel_gradient(sae):
    if sae.W_dec.grad is None:
        return
    u = sae.W_dec.mean(0)
    u = u / u.norm()
    sae.W_dec.grad -= (sae.W_dec.grad @ u)[:, None] * u
