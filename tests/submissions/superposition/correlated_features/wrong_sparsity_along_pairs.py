import torch


def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    n = len(sparsity)
    present = torch.rand(n_batch, n, n_pairs, generator=generator) >= sparsity
    present = present.repeat_interleave(2, -1)
    return torch.rand(n_batch, n, 2 * n_pairs, generator=generator) * present
