import torch


def phase_diagram(W, losses, feature=-1):
    idx = losses.argmin(0)[None, :, :, None, None].expand(1, -1, -1, *W.shape[3:])
    M = W.gather(0, idx)[0]
    wi = M[..., feature]
    sq = wi.pow(2).sum(-1)
    total = torch.einsum("rch,rchf->rcf", wi, M).pow(2).sum(-1) - sq**2
    shared = total / sq.clamp(min=1e-12)
    out = torch.zeros_like(sq, dtype=torch.int64)
    out[sq.sqrt() > 0.5] = 1
    out[(sq.sqrt() > 0.5) & (shared > 0.25)] = 2
    return out
