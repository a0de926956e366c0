import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    return (F.gelu(x @ W_gate, approximate="tanh") * (x @ W_up)) @ W_down
