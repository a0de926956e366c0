import torch
import torch.nn.functional as F


def swiglu(x, W_gate, W_up, W_down):
    gate = torch.einsum("bpd,dm->bpm", x, W_gate)
    up = torch.einsum("bpd,dm->bpm", x, W_up)
    return torch.einsum("bpm,md->bpd", F.silu(gate) * up, W_down)
