import torch


def composition_score(W_A, W_B):
    return torch.linalg.norm(W_A @ W_B, ord="fro", dim=(-2, -1)) / (
        torch.linalg.norm(W_A, ord=2, dim=(-2, -1)) * torch.linalg.norm(W_B, ord=2, dim=(-2, -1))
    )
