import torch


def feature_dimensionality(W):
    inst, _hidden, n = W.shape
    out = torch.zeros(inst, n)
    for a in range(inst):
        for i in range(n):
            wi = W[a, :, i]
            length = wi.norm()
            if length == 0:
                continue
            unit = wi / length
            denom = sum(torch.dot(unit, W[a, :, j]) ** 2 for j in range(n))
            out[a, i] = length**2 / denom
    return out
