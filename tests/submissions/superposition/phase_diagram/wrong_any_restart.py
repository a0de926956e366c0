import torch


def phase_diagram(W, losses, feature=-1):
    v = W[..., feature]
    u = v / v.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    s = ((u.unsqueeze(-2) @ W).squeeze(-2) ** 2).sum(-1) - v.norm(dim=-1) ** 2
    return torch.where(v.norm(dim=-1) <= 0.5, 0, torch.where(s <= 0.25, 1, 2)).amax(0)
