import torch


def composition_score(W_A, W_B):
    if W_A.ndim == 2:
        return (W_A @ W_B).norm() / (W_A.norm() * W_B.norm())
    return torch.stack([composition_score(a, b) for a, b in zip(W_A, W_B)])
