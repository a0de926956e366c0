import torch


def phase_diagram(W, losses, feature=-1):
    best = torch.argsort(losses, dim=0)[0]
    r, c = torch.meshgrid(torch.arange(best.shape[0]), torch.arange(best.shape[1]), indexing="ij")
    M = W[best, r, c]
    g = M.mT @ M
    row = g[..., feature, :]
    own = row[..., feature]
    rest = (row.pow(2).sum(-1) - own.pow(2)) / own.clamp(min=1e-12)
    return torch.where(own.sqrt() <= 0.5, 0, torch.where(rest <= 0.25, 1, 2))
