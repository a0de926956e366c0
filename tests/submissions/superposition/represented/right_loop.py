import torch


def represented(W, threshold=0.5):
    out = torch.zeros(W.shape[0], W.shape[2], dtype=torch.bool)
    for inst in range(W.shape[0]):
        for f in range(W.shape[2]):
            out[inst, f] = torch.sqrt((W[inst, :, f] ** 2).sum()) > threshold
    return out
