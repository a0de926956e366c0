import torch


def previous_token_score(pattern):
    q = torch.arange(1, pattern.shape[-1])
    return (pattern[:, :, q, q - 1] / (pattern[:, :, q, q - 1] + pattern[:, :, q, 0] + 1e-9)).mean((0, 2))
