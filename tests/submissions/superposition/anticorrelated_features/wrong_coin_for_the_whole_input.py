import torch


def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    if (sparsity < 0.5).any():
        raise ValueError
    shape = (n_batch, len(sparsity), n_pairs)
    pair = torch.rand(shape, generator=generator) < 2 * (1 - sparsity[:, None])
    heads = torch.rand(shape[:2], generator=generator)[..., None] < 0.5
    present = torch.stack([pair & heads, pair & ~heads], -1).flatten(-2)
    return torch.rand(present.shape, generator=generator) * present
