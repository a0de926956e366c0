import torch


def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    p = (1 - sparsity)[None, :, None].expand(n_batch, -1, n_pairs)
    mask = torch.bernoulli(p, generator=generator)
    mask = torch.stack((mask, mask), -1).reshape(n_batch, len(sparsity), -1)
    return mask * torch.empty_like(mask).uniform_(generator=generator)
