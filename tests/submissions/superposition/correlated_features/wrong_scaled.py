import torch


def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    n = len(sparsity)
    strength = torch.rand(n_batch, n, n_pairs, 1, generator=generator)
    present = torch.rand(n_batch, n, n_pairs, 1, generator=generator) >= sparsity[:, None, None]
    return (torch.rand(n_batch, n, n_pairs, 2, generator=generator) * strength * present).flatten(-2)
