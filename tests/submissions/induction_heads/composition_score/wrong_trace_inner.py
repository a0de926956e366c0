import torch


def composition_score(W_A, W_B):
    n = torch.linalg.matrix_norm
    return (W_A @ W_B).diagonal(0, -2, -1).sum(-1) / (n(W_A) * n(W_B))
