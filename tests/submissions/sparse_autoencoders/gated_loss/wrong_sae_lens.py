import torch


def gated_loss(sae, x, coefficient):
    pi = torch.relu((x - sae.b_dec) @ sae.W_enc + sae.b_gate)
    l1 = coefficient * (pi * sae.W_dec.norm(dim=1)).sum(-1).mean()
    via_gate = pi @ sae.W_dec + sae.b_dec
    return (sae(x) - x).pow(2).sum(-1).mean() + l1 + (via_gate - x).pow(2).sum(-1).mean()
