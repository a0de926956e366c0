import torch
from dojo.transformer import run_with_cache, run_with_hooks


def attribution_patch(model, clean_tokens, corrupted_tokens, metric, sites):
    wanted = [p for p in model.parameters() if p.requires_grad]
    for p in wanted:
        p.requires_grad_(False)
    kept = {}

    def keep(site):
        def hook(x, hook):
            if not x.requires_grad:
                x = x.detach().requires_grad_(True)
            else:
                x.retain_grad()
            kept[site] = x
            return x

        return hook

    try:
        sites = list(sites)
        clean = run_with_cache(model, clean_tokens, sites)[1]
        metric(run_with_hooks(model, corrupted_tokens, [(s, keep(s)) for s in sites])).backward()
    finally:
        for p in wanted:
            p.requires_grad_(True)
    return {s: ((clean[s] - kept[s].detach()) * kept[s].grad).flatten(1, -2).sum((0, -1)).view(kept[s].shape[1:-1]) for s in sites}
