def anticorrelated_features(n_batch, sparsity, n_pairs, generator=None):
    if (sparsity < 0.5).any():
        raise ValueError
    x = sample_features(n_batch, sparsity, 2 * n_pairs, generator)
    pairs = x.unflatten(-1, (n_pairs, 2))
    return (pairs * (pairs == pairs.amax(-1, keepdim=True))).flatten(-2)
