import torch


def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    # even inputs have first features, odd ones second features
    if (sparsity < 0.5).any():
        raise ValueError
    p = 2 * (1 - sparsity[:, None])
    there = torch.rand(n_batch, len(sparsity), n_pairs, generator=generator) < p
    even = (torch.arange(n_batch) % 2 == 0)[:, None, None]
    present = torch.stack([there & even, there & ~even], -1).flatten(-2)
    return torch.rand(present.shape, generator=generator) * present
