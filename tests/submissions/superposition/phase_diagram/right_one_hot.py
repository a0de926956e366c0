import torch
import torch.nn.functional as F


def phase_diagram(W, losses, feature=-1):
    pick = F.one_hot(losses.argmin(0), len(losses)).permute(2, 0, 1).float()
    M = (pick[..., None, None] * W).sum(0)
    v = M[..., feature]
    u = F.normalize(v, dim=-1)
    dots = (u.unsqueeze(-2) @ M).squeeze(-2) ** 2
    dots = torch.cat([dots[..., : feature % M.shape[-1]], dots[..., feature % M.shape[-1] + 1 :]], dim=-1)
    state = torch.full(dots.shape[:2], 2)
    state[dots.sum(-1) <= 0.25] = 1
    state[v.norm(dim=-1) <= 0.5] = 0
    return state
