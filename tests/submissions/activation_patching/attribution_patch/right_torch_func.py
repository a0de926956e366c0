import torch
from dojo.transformer import run_with_cache, run_with_hooks


def attribution_patch(model, clean_tokens, corrupted_tokens, metric, sites):
    sites = [*sites]
    clean = run_with_cache(model, clean_tokens, sites)[1]
    corrupted = run_with_cache(model, corrupted_tokens, sites)[1]

    def f(added):
        hooks = [(site, lambda x, hook, site=site: x + added[site]) for site in sites]
        return metric(run_with_hooks(model, corrupted_tokens, hooks))

    gradients = torch.func.grad(f)({site: torch.zeros_like(clean[site]) for site in sites})
    return {s: ((clean[s] - corrupted[s]) * gradients[s]).detach().sum(dim=-1).sum(dim=0) for s in sites}
