import torch
from dojo.transformer import run_with_cache, run_with_hooks


def attribution_patch(model, clean_tokens, corrupted_tokens, metric, sites):
    """The derivative by a zero that is added to each activation."""
    sites = list(sites)
    with torch.no_grad():
        _, clean = run_with_cache(model, clean_tokens, sites)
        _, corrupted = run_with_cache(model, corrupted_tokens, sites)
    zeros = [torch.zeros_like(clean[s], requires_grad=True) for s in sites]
    hooks = [(s, lambda x, hook, zero=zero: x + zero) for s, zero in zip(sites, zeros)]
    with torch.enable_grad():
        m = metric(run_with_hooks(model, corrupted_tokens, hooks))
        gradients = torch.autograd.grad(m, zeros)
    return {s: torch.mul(clean[s] - corrupted[s], g).sum(-1).sum(0) for s, g in zip(sites, gradients)}
