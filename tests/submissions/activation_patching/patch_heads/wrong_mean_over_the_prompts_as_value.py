import torch
from dojo.transformer import run_with_cache, run_with_hooks


def patch_heads(model, tokens, cache, metric):
    n_layers, n_heads = len(model.blocks), len(model.blocks[0].attn.W_O)
    site = lambda layer: f'blocks.{layer}.attn.hook_z'
    places = [(slice(None), slice(None), h) for h in range(n_heads)]
    return torch.stack([patch_many(model, tokens, site(i), cache[site(i)].mean(0, keepdim=True).expand_as(cache[site(i)]), places, metric) for i in range(n_layers)])
