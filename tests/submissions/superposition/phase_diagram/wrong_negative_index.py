import torch


def phase_diagram(W, losses, feature=-1):
    best = losses.argmin(0)
    R, C = best.shape
    M = W[best, torch.arange(R)[:, None], torch.arange(C)]
    v = M[..., feature]
    u = v / v.norm(dim=-1, keepdim=True)
    s = sum((u * M[..., j]).sum(-1) ** 2 for j in range(M.shape[-1]) if j != feature)
    return torch.where(v.norm(dim=-1) <= 0.5, 0, torch.where(s <= 0.25, 1, 2))
