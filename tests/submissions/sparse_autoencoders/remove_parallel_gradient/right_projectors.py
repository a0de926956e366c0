import torch


@torch.no_grad()
def remove_parallel_gradient(sae):
    g = sae.W_dec.grad
    if g is None:
        return
    u = sae.W_dec / sae.W_dec.norm(dim=-1, keepdim=True)
    P = torch.eye(u.shape[1]) - u[:, :, None] * u[:, None, :]
    g.copy_((P @ g[:, :, None])[:, :, 0])
