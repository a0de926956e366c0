import torch


def gated_loss(sae, x, coefficient):
    opened = torch.relu(sae.gate(x))
    x_hat = sae(x)
    left = (x - x_hat).detach()
    by_gate = opened @ sae.W_dec.detach()
    return ((x - x_hat).pow(2).sum(-1) + (left - by_gate).pow(2).sum(-1) + coefficient * opened.sum(-1)).mean()
