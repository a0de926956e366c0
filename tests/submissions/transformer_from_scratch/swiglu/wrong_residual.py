import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    return x + (F.silu(x @ W_gate) * (x @ W_up)) @ W_down
