import torch


def interference(W):
    inst, _hidden, n = W.shape
    out = torch.zeros(inst, n, n)
    for a in range(inst):
        for i in range(n):
            for j in range(n):
                if i != j:
                    out[a, i, j] = torch.dot(W[a, :, i], W[a, :, j])
    return out
