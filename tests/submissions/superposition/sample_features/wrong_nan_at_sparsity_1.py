import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    s = sparsity.reshape(1, -1, 1)
    u = torch.rand(n_batch, len(sparsity), n_features, generator=generator)
    return torch.relu(u - s) / (1 - s)
