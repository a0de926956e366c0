import torch


def gated_loss(sae, x, coefficient):
    opened = torch.relu(sae.gate(x))
    by_gate = opened @ sae.W_dec.detach() + sae.b_dec.detach()
    return ((x - sae(x)).norm(dim=-1) + (x - by_gate).norm(dim=-1) + coefficient * opened.sum(-1)).mean()
