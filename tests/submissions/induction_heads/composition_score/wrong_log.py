import torch


def composition_score(W_A, W_B):
    n = torch.linalg.matrix_norm
    return (n(W_A @ W_B).log() - n(W_A).log() - n(W_B).log())
