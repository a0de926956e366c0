import torch
from dojo.transformer import run_with_cache, run_with_hooks


def patch_residual(model, tokens, cache, metric, stream='resid_pre'):
    n_layers, n_pos = len(model.blocks), tokens.shape[1]
    site = lambda layer: f'blocks.{layer}.hook_{stream}'
    places = [(slice(None), p) for p in range(n_pos)]
    with torch.no_grad():
        out = torch.zeros(n_layers, n_pos)
        for i in range(n_layers):
            hooks = []
            for s in {stream, 'resid_pre'}:
                def hook(a, hook, v=cache[f'blocks.{i}.hook_{s}']):
                    a = a.clone().unflatten(0, (n_pos, len(tokens)))
                    for p in range(n_pos):
                        a[p, :, p] = v[:, p]
                    return a.flatten(0, 1)
                hooks.append((f'blocks.{i}.hook_{s}', hook))
            logits = run_with_hooks(model, tokens.repeat(n_pos, 1), hooks)
            for p in range(n_pos):
                out[i, p] = metric(logits[p * len(tokens) : (p + 1) * len(tokens)])
        return out
