import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    density = sparsity.neg_().add_(1)
    shape = (n_batch, len(density), n_features)
    return torch.rand(shape, generator=generator) * (torch.rand(shape, generator=generator) < density[:, None])
