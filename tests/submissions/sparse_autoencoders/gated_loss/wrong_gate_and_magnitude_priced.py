import torch


def gated_loss(sae, x, coefficient):
    opened = torch.relu(sae.gate(x))
    by_gate = opened @ sae.W_dec.detach() + sae.b_dec.detach()
    price = opened.sum(-1) + sae.encode(x).sum(-1)
    return ((x - sae(x)).pow(2).sum(-1) + (x - by_gate).pow(2).sum(-1) + coefficient * price).mean()
