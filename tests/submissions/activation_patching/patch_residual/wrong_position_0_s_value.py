import torch
from dojo.transformer import run_with_cache, run_with_hooks


def patch_residual(model, tokens, cache, metric, stream='resid_pre'):
    n_layers, n_pos = len(model.blocks), tokens.shape[1]
    site = lambda layer: f'blocks.{layer}.hook_{stream}'
    places = [(slice(None), p) for p in range(n_pos)]
    rows = []
    for i in range(n_layers):
        value = cache[site(i)][:, :1].expand_as(cache[site(i)])
        rows.append(patch_many(model, tokens, site(i), value, places, metric))
    return torch.stack(rows)
