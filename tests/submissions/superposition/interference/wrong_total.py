import torch


def interference(W):
    g = (W.mT @ W).masked_fill(torch.eye(W.shape[-1]).bool(), 0)
    return g.pow(2).sum(-1)
