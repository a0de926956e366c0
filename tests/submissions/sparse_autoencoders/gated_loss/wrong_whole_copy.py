import copy

import torch


def gated_loss(sae, x, coefficient):
    frozen = copy.deepcopy(sae).requires_grad_(False)
    opened = torch.relu(sae.gate(x))
    aux = (x - frozen.decode(torch.relu(frozen.gate(x)))).pow(2).sum(-1).mean()
    return (x - sae(x)).pow(2).sum(-1).mean() + coefficient * opened.sum(-1).mean() + aux
