import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    g = x @ W_gate
    return (g * torch.sigmoid(1.702 * g) * (x @ W_up)) @ W_down
