import torch


class TooDense(ValueError):
    pass


def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    for s in sparsity.tolist():
        if s < 0.5:
            raise TooDense(f"{s} is below 0.5")
    x = torch.zeros(n_batch, len(sparsity), 2 * n_pairs)
    for i, s in enumerate(sparsity.tolist()):
        for k in range(n_pairs):
            u = torch.rand(n_batch, generator=generator)
            v = torch.rand(n_batch, 2, generator=generator)
            x[:, i, 2 * k] = v[:, 0] * (u < 1 - s)
            x[:, i, 2 * k + 1] = v[:, 1] * ((u >= 1 - s) & (u < 2 * (1 - s)))
    return x
