def feature_density(f):
    n_tokens = f.numel() // f.shape[-1]
    return torch.count_nonzero(f, dim=tuple(range(f.ndim - 1))) / n_tokens
