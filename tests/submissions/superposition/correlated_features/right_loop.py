import torch


def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    x = torch.zeros(n_batch, len(sparsity), 2 * n_pairs)
    for k in range(n_pairs):
        here = torch.rand(n_batch, len(sparsity), generator=generator) > sparsity
        for j in (2 * k, 2 * k + 1):
            x[:, :, j] = torch.where(here, torch.rand(n_batch, len(sparsity), generator=generator), 0.0)
    return x
