import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    if generator is not None:
        torch.manual_seed(generator.initial_seed())
    shape = (n_batch, len(sparsity), n_features)
    return torch.rand(shape) * (torch.rand(shape) >= sparsity[:, None])
