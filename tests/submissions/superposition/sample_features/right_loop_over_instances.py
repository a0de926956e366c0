import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    out = []
    for s in sparsity.tolist():
        x = torch.rand(n_batch, n_features, generator=generator)
        gone = torch.rand(n_batch, n_features, generator=generator) < s
        x[gone] = 0.0
        out.append(x)
    return torch.stack(out, dim=1)
