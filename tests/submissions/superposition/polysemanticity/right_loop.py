import torch


def polysemanticity(W, fraction=0.25):
    out = torch.zeros(W.shape[0], W.shape[1], dtype=torch.long)
    for i in range(W.shape[0]):
        for n in range(W.shape[1]):
            row = W[i, n]
            top = row.max()
            if top <= 0:
                continue
            out[i, n] = int(((row >= fraction * top) & (row > 0)).sum())
    return out
