import torch


def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    # both, where either would be there
    n = len(sparsity)
    present = torch.rand(n_batch, n, n_pairs, 2, generator=generator) >= sparsity[:, None, None]
    present = present.any(-1, keepdim=True)
    return (torch.rand(n_batch, n, n_pairs, 2, generator=generator) * present).flatten(-2)
