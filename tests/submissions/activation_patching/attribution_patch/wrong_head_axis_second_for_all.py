import torch
from dojo.transformer import run_with_cache, run_with_hooks


def attribution_patch(model, clean_tokens, corrupted_tokens, metric, sites):
    sites = list(sites)
    clean = run_with_cache(model, clean_tokens, sites)[1]
    kept = {}

    def keep(site):
        def hook(activation, hook):
            kept[site] = activation
            return activation

        return hook

    logits = run_with_hooks(model, corrupted_tokens, [(site, keep(site)) for site in sites])
    value = metric(logits)
    grads = torch.autograd.grad(value, [kept[site] for site in sites])
    out = {}
    for site, grad in zip(sites, grads):
        product = (clean[site] - kept[site]) * grad
        out[site] = product.sum(-1).sum(0).detach()
        if product.ndim == 4 and 'pattern' not in site:
            out[site] = out[site].T
    return out
