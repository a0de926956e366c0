import torch


def embed(tokens, W_E, W_pos):
    n = tokens.shape[1]
    return W_E[tokens] + W_pos[torch.arange(1, n + 1).clamp(max=len(W_pos) - 1)]
