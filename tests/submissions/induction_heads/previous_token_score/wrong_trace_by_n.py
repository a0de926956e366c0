import torch


def previous_token_score(pattern):
    n = pattern.shape[-1]
    return torch.stack([p.diagonal(-1).sum() for p in pattern.mean(0)]) / n
