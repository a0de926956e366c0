import torch


def feature_dimensionality(W):
    frame = W @ W.mT  # sum over j of W_j W_j^T
    sq = (W**2).sum(1)
    bottom = torch.einsum("ahi,ahk,aki->ai", W, frame, W)
    return torch.nan_to_num(sq**2 / bottom)
