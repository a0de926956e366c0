import torch


def embed(tokens, W_E, W_pos):
    n = tokens.shape[1]
    if n > len(W_pos):
        W_pos = torch.cat([W_pos, torch.zeros(n - len(W_pos), W_pos.shape[1])])
    return W_E[tokens] + W_pos[:n]
