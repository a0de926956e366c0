import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    shape = (n_batch, len(sparsity), n_features)
    u = torch.rand(shape, generator=generator)
    v = torch.rand(shape, generator=generator)
    return u * v * (torch.rand(shape, generator=generator) >= sparsity[:, None])
