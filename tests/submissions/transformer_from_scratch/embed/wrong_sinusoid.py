import torch


def embed(tokens, W_E, W_pos):
    d = W_E.shape[1]
    angles = torch.arange(tokens.shape[1])[:, None] / 10000 ** (torch.arange(d) / d)
    return W_E[tokens] + angles.sin()
