import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    gate, up = (x @ torch.cat([W_gate, W_up], dim=1)).chunk(2, dim=-1)
    return torch.matmul(up * gate / (1 + torch.exp(-gate)), W_down)
