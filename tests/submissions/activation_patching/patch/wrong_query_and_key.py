import torch
from dojo.transformer import run_with_cache, run_with_hooks


def patch(model, tokens, site, value, position=None, head=None):
    heads = site.rsplit('_', 1)[-1] in ('q', 'k', 'v', 'z', 'pattern')
    if head is not None and not heads:
        raise ValueError('no heads')
    p = slice(None) if position is None else position
    h = slice(None) if head is None else head
    pattern = site.endswith('pattern')
    index = (slice(None), h, p) if pattern else (slice(None), p, h) if heads else (slice(None), p)

    def hook(a, hook):
        a = a.clone()
        a[index] = value[index]
        if pattern and position is not None:
            a[:, h, :, p] = value[:, h, :, p]
        return a

    return run_with_hooks(model, tokens, [(site, hook)])
