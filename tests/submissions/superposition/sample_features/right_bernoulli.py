import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    p = (1 - sparsity).view(1, -1, 1).expand(n_batch, -1, n_features)
    on = torch.bernoulli(p, generator=generator)
    values = torch.empty(n_batch, sparsity.shape[0], n_features).uniform_(0, 1, generator=generator)
    return on * values
