import torch


def feature_dimensionality(W):
    sq = W.pow(2).sum(1)
    gram = W.mT @ W
    off = gram - torch.diag_embed(sq)
    others = off.pow(2).sum(-1) / sq.clamp(min=1e-20)
    return sq / (sq + others).clamp(min=1e-20)
