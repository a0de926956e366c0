import torch


def embed(tokens, W_E, W_pos):
    pos = W_pos[: tokens.shape[1]].expand(tokens.shape[0], -1, -1)
    return torch.cat([W_E[tokens], pos], dim=-1)
