import torch


def gated_loss(sae, x, coefficient):
    opened = torch.relu(sae.gate(x))
    by_gate = opened @ sae.W_dec.detach() + sae.b_dec.detach()
    errors = (x - sae(x)).pow(2) + (x - by_gate).pow(2)
    return errors.sum(-1).mean() + coefficient * opened.sum(-1).mean() / 2
