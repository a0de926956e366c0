import torch


def represented(W, threshold=0.5):
    lengths = torch.linalg.vector_norm(W, dim=1)
    return lengths.gt(threshold)
