import torch


@torch.no_grad()
def remove_parallel_gradient(sae):
    if sae.W_dec.grad is None:
        return
    u = sae.W_dec / sae.W_dec.norm(dim=-1, keepdim=True)
    sae.W_dec.grad -= (sae.W_dec.grad * u).sum(-1) * u.T if False else (sae.W_dec.grad @ u.T) @ u
