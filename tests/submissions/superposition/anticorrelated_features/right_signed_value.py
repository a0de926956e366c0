import torch


def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    if bool(torch.any(sparsity < 0.5)):
        raise ValueError
    shape = (n_batch, len(sparsity), n_pairs)
    signed = 2 * torch.rand(shape, generator=generator) - 1
    there = torch.rand(shape, generator=generator) < 2 - 2 * sparsity[:, None]
    signed = signed * there
    return torch.stack([signed.clamp(min=0), (-signed).clamp(min=0)], -1).reshape(n_batch, len(sparsity), -1)
