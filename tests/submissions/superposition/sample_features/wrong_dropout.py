import torch
import torch.nn.functional as F


def sample_features(n_batch, sparsity, n_features, generator=None):
    x = torch.rand(n_batch, len(sparsity), n_features, generator=generator)
    return torch.stack([F.dropout(x[:, i], p=float(s)) for i, s in enumerate(sparsity)], dim=1)
