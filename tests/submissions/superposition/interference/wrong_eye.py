import torch


def interference(W):
    return W.mT @ W * torch.eye(W.shape[-1])
