import torch
from dojo.transformer import run_with_cache, run_with_hooks


def patch(model, tokens, site, value, position=None, head=None):
    if head is not None and "attn" not in site:
        raise ValueError("no heads")
    p = slice(None) if position is None else position
    h = slice(None) if head is None else head

    def hook(a, hook):
        a = a.clone()
        if "pattern" in site:
            a[:, h, p] = value[:, h, p]
        elif "attn" in site:
            a[:, p, h] = value[:, p, h]
        else:
            a[:, p] = value[:, p]
        return a

    return run_with_hooks(model, tokens, [(site, hook)])
