import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    s = sparsity[None, :, None].repeat(n_batch, 1, n_features)
    coin = torch.rand(s.size(), generator=generator)
    x = torch.rand(s.size(), generator=generator)
    return torch.where(coin < 1 - s, x, torch.zeros(()))
