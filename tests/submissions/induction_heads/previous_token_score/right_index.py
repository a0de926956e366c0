import torch


def previous_token_score(pattern):
    q = torch.arange(1, pattern.shape[-1])
    return pattern[:, :, q, q - 1].mean(-1).mean(0)
