import torch


@torch.no_grad()
def remove_parallel_gradient(sae):
    if sae.W_dec.grad is not None:
        for w, g in zip(sae.W_dec, sae.W_dec.grad):
            u = w / w.norm()
            g -= (g @ u) * u
