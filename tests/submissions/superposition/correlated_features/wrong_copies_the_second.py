def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    x = sample_features(n_batch, sparsity, 2 * n_pairs, generator)
    x[..., 1::2] = x[..., ::2]
    return x
