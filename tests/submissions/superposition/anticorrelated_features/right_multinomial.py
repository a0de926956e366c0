import torch
import torch.nn.functional as F


def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    if torch.min(sparsity) < 0.5:
        raise ValueError("a sparsity below one half")
    p = 1 - sparsity
    chances = torch.stack([p, p, 1 - 2 * p], dim=-1).clamp(min=0)  # first, second, neither
    n = len(sparsity)
    which = torch.multinomial(chances, n_batch * n_pairs, replacement=True, generator=generator)
    which = which.view(n, n_batch, n_pairs).transpose(0, 1)
    present = F.one_hot(which, 3)[..., :2].reshape(n_batch, n, 2 * n_pairs)
    return present * torch.rand(present.shape, generator=generator)
