import torch


def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    assert (sparsity >= 0.5).all(), "too dense"
    p = 1 - sparsity[:, None]
    u = torch.rand(n_batch, len(sparsity), n_pairs, generator=generator)
    present = torch.stack([u < p, u >= 1 - p], -1).flatten(-2)
    return torch.rand(present.shape, generator=generator) * present
