import torch


@torch.no_grad()
def remove_parallel_gradient(sae):
    for p in sae.parameters():
        if p.grad is not None:
            u = p / p.norm(dim=-1, keepdim=True)
            p.grad -= (p.grad * u).sum(-1, keepdim=True) * u
