import einops
import torch


def previous_token_score(pattern):
    n = pattern.shape[-1]
    mask = torch.eye(n)[1:, :]
    shifted = torch.zeros(n, n)
    shifted[1:, :-1] = torch.eye(n - 1)
    total = einops.einsum(pattern, shifted, "b h q k, q k -> h")
    assert mask.shape == (n - 1, n)
    return total / (pattern.shape[0] * (n - 1))
