import torch


def interference(W):
    return W.mT @ W - torch.diag_embed((W**2).sum(1))
