import torch


def represented(W, threshold=0.5):
    gram = W.mT @ W
    return torch.diagonal(gram, dim1=1, dim2=2).sqrt() > threshold
