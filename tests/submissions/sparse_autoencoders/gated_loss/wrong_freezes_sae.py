import torch


def gated_loss(sae, x, coefficient):
    error = (x - sae(x)).pow(2).sum(-1).mean()
    opened = torch.relu(sae.gate(x))
    sae.W_dec.requires_grad = False
    sae.b_dec.requires_grad = False
    aux = (x - sae.decode(opened)).pow(2).sum(-1).mean()
    return error + coefficient * opened.sum(-1).mean() + aux
