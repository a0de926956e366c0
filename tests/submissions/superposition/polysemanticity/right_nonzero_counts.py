import torch


def polysemanticity(W, fraction=0.25):
    a = W.clamp(min=0)
    strongest = a.topk(1, dim=-1).values
    return torch.count_nonzero(torch.where(a < fraction * strongest, torch.zeros_like(a), a), dim=-1)
