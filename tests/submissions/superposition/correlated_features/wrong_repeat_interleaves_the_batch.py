import torch


def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    present = torch.rand(n_batch, len(sparsity), n_pairs, generator=generator) >= sparsity[:, None]
    present = present.repeat_interleave(2, dim=1)
    return torch.rand(present.shape, generator=generator) * present
