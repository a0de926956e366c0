import torch
from dojo.transformer import run_with_cache, run_with_hooks


def patch_residual(model, tokens, cache, metric, stream='resid_pre'):
    n_layers, n_pos = len(model.blocks), tokens.shape[1]
    site = lambda layer: f'blocks.{layer}.hook_{stream}'
    places = [(slice(None), p) for p in range(n_pos)]
    rows = []
    for i in range(n_layers):
        rows.append(torch.stack([metric(patch(model, tokens, site(i), cache[site(i)], position=p)) for p in range(n_pos)]))
    out = torch.stack(rows)
    out.sum().backward()
    return out.detach()
