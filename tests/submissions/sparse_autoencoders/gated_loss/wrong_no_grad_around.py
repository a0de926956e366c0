import torch


def gated_loss(sae, x, coefficient):
    opened = torch.relu(sae.gate(x))
    with torch.no_grad():
        aux = (x - sae.decode(opened)).pow(2).sum(-1).mean()
    return (x - sae(x)).pow(2).sum(-1).mean() + coefficient * opened.sum(-1).mean() + aux
