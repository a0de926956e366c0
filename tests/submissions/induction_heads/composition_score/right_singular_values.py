import torch


def composition_score(W_A, W_B):
    def norm(W):
        return torch.linalg.svdvals(W).square().sum(-1).sqrt()

    return norm(W_A.matmul(W_B)) / (norm(W_A) * norm(W_B))
