import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    return (F.silu(x @ W_gate.T) * (x @ W_up.T)) @ W_down.T
