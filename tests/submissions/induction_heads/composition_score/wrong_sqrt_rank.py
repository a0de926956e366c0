import torch


def composition_score(W_A, W_B):
    n = torch.linalg.matrix_norm
    return n(W_A @ W_B) / (n(W_A) * n(W_B)) * W_A.shape[-1] ** 0.5
