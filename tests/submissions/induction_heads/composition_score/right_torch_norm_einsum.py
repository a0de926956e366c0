import torch


def composition_score(W_A, W_B):
    AB = torch.einsum("...nm,...mk->...nk", W_A, W_B)
    return torch.norm(AB, dim=(-2, -1)) / (torch.norm(W_A, dim=(-2, -1)) * torch.norm(W_B, dim=(-2, -1)))
