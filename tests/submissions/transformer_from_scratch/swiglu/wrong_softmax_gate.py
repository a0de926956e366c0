import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    return ((x @ W_gate).softmax(-1) * (x @ W_up)) @ W_down
