import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    # at most one feature at a time
    which = torch.randint(n_features, (n_batch, len(sparsity), 1), generator=generator)
    x = torch.zeros(n_batch, len(sparsity), n_features)
    values = torch.rand(which.shape, generator=generator)
    there = torch.rand(which.shape, generator=generator) >= sparsity[:, None]
    return x.scatter(2, which, values * there)
