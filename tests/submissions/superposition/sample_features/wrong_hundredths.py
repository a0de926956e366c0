import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    shape = (n_batch, len(sparsity), n_features)
    there = torch.rand(shape, generator=generator) >= sparsity[:, None]
    return torch.randint(0, 101, shape, generator=generator) / 100 * there
