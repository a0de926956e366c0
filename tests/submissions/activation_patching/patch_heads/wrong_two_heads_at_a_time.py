import torch
from dojo.transformer import run_with_cache, run_with_hooks


def patch_heads(model, tokens, cache, metric):
    n_layers, n_heads = len(model.blocks), len(model.blocks[0].attn.W_O)
    site = lambda layer: f'blocks.{layer}.attn.hook_z'
    places = [(slice(None), slice(None), h) for h in range(n_heads)]
    rows = []
    for i in range(n_layers):
        two = [(slice(None), slice(None), [h, (h + 1) % n_heads]) for h in range(n_heads)]
        rows.append(patch_many(model, tokens, site(i), cache[site(i)], two, metric))
    return torch.stack(rows)
