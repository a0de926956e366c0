import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    act = torch.nn.SiLU()
    x, g, u, d = (t.double() for t in (x, W_gate, W_up, W_down))
    return ((act(x @ g) * (x @ u)) @ d).float()
