def correlated_features(n_batch, sparsity, n_pairs, generator=None):
    # presence from one draw of chapter's own sampler, values from a dense one
    present = sample_features(n_batch, sparsity, n_pairs, generator) > 0
    values = sample_features(n_batch, torch.zeros_like(sparsity), 2 * n_pairs, generator)
    return values * einops.repeat(present, "b i p -> b i (p two)", two=2)
