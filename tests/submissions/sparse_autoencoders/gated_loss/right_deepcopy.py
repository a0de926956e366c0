import copy

import torch


def gated_loss(sae, x, coefficient):
    frozen = copy.deepcopy(sae).requires_grad_(False)
    pi = torch.relu(sae.gate(x))
    reconstruction = ((sae.forward(x) - x) ** 2).sum(-1)
    sparsity = coefficient * pi.sum(-1)
    auxiliary = ((frozen.decode(pi) - x) ** 2).sum(-1)
    return torch.mean(reconstruction + sparsity + auxiliary)
