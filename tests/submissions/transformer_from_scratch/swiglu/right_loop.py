import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    out = torch.zeros_like(x)
    for b in range(x.shape[0]):
        for p in range(x.shape[1]):
            g = x[b, p] @ W_gate
            out[b, p] = (g * g.sigmoid() * (x[b, p] @ W_up)) @ W_down
    return out
