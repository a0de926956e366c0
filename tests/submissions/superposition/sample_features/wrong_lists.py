import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    out = []
    for s in sparsity:
        there = torch.rand(n_batch, n_features, generator=generator) >= s
        out.append(torch.rand(n_batch, n_features, generator=generator) * there)
    return out
