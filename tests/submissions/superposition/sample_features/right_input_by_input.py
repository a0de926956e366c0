import torch


def sample_features(n_batch, sparsity, n_features, generator=None):
    rows = []
    for _ in range(n_batch):
        both = torch.rand(2, len(sparsity), n_features, generator=generator)
        rows.append(both[0].masked_fill(both[1] < sparsity.unsqueeze(1), 0))
    return torch.stack(rows)
