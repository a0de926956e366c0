import torch


def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    n = len(sparsity)
    gone = torch.rand(n_batch, n, n_pairs, 1, generator=generator) < sparsity.view(1, n, 1, 1)
    values = torch.rand(n_batch, n, n_pairs, 2, generator=generator)
    return values.masked_fill(gone, 0).reshape(n_batch, n, 2 * n_pairs)
