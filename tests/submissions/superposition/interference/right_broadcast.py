import torch


def interference(W):
    pairs = (W.unsqueeze(-1) * W.unsqueeze(-2)).sum(1)
    n = W.shape[2]
    pairs[:, torch.arange(n), torch.arange(n)] = 0
    return pairs
