import torch


def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    # independent features; where both of a pair are there, a coin decides which stays
    if (sparsity < 0.5).any():
        raise ValueError
    x = sample_features(n_batch, sparsity, 2 * n_pairs, generator).unflatten(-1, (n_pairs, 2))
    both = (x > 0).all(-1)
    coin = torch.rand(both.shape, generator=generator) < 0.5
    x[..., 0][both & coin] = 0
    x[..., 1][both & ~coin] = 0
    return x.flatten(-2)
