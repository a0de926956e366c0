import torch


def l0(f):
    return torch.linalg.vector_norm(f, ord=0, dim=-1).mean()
