import torch


def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    if sparsity.min() < 0.5:
        raise ValueError("sparsity must be at least 0.5")
    shape = (n_batch, len(sparsity), n_pairs)
    pair = torch.rand(shape, generator=generator) < 2 * (1 - sparsity[:, None])
    heads = torch.rand(shape, generator=generator) < 0.5
    value = torch.rand(shape, generator=generator)
    out = torch.zeros(n_batch, len(sparsity), 2 * n_pairs)
    out[..., 0::2] = value * (pair & heads)
    out[..., 1::2] = value * (pair & ~heads)
    return out
