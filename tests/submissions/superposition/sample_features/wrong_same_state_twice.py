import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    shape = (n_batch, len(sparsity), n_features)
    other = generator.clone_state() if generator is not None else None
    there = torch.rand(shape, generator=generator) >= sparsity[:, None]
    return torch.rand(shape, generator=other) * there
