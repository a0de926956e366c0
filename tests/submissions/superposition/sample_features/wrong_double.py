import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    shape = (n_batch, len(sparsity), n_features)
    there = torch.rand(shape, generator=generator, dtype=torch.float64) >= sparsity[:, None]
    return torch.rand(shape, generator=generator, dtype=torch.float64) * there
