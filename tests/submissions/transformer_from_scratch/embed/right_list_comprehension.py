import torch


def embed(tokens, W_E, W_pos):
    rows = [[W_E[int(t)] + W_pos[i] for i, t in enumerate(row)] for row in tokens]
    return torch.stack([torch.stack(row) for row in rows])
