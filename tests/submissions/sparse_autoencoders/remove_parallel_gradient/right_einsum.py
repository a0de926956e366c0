import torch


def remove_parallel_gradient(sae):
    if sae.W_dec.grad is None:
        return None
    with torch.no_grad():
        unit = sae.W_dec / torch.linalg.norm(sae.W_dec, dim=-1, keepdim=True)
        along = torch.einsum("si,si->s", sae.W_dec.grad, unit)
        sae.W_dec.grad.sub_(torch.einsum("s,si->si", along, unit))
