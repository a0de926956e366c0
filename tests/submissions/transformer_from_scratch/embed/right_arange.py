import torch


def embed(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[torch.arange(tokens.shape[-1])]
