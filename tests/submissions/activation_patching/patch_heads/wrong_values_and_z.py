import torch
from dojo.transformer import run_with_cache, run_with_hooks


def patch_heads(model, tokens, cache, metric):
    n_layers, n_heads = len(model.blocks), len(model.blocks[0].attn.W_O)
    site = lambda layer: f'blocks.{layer}.attn.hook_z'
    places = [(slice(None), slice(None), h) for h in range(n_heads)]
    rows = []
    for i in range(n_layers):
        own = run_with_cache(model, tokens, [f'blocks.{i}.attn.hook_pattern'])[1][f'blocks.{i}.attn.hook_pattern']
        v = cache[f'blocks.{i}.attn.hook_v']
        value = torch.einsum('bhqk,bkhd->bqhd', own, v)
        rows.append(patch_many(model, tokens, site(i), value, places, metric))
    return torch.stack(rows)
