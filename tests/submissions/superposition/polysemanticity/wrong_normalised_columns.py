import torch


def polysemanticity(W, fraction=0.25):
    W = W / W.norm(dim=1, keepdim=True).clamp(min=1e-9)
    a = W.relu()
    return ((a > 0) & (a >= fraction * a.amax(-1, keepdim=True))).sum(-1)
