import torch


def composition_score(W_A, W_B):
    n = torch.linalg.matrix_norm
    return n(W_A @ W_B, ord=2) / (n(W_A) * n(W_B))
