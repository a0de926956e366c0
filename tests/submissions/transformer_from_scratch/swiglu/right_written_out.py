import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    gate = x @ W_gate
    return (gate * torch.sigmoid(gate) * (x @ W_up)) @ W_down
