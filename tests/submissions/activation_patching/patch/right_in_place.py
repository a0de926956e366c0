from dojo.transformer import run_with_hooks


def patch(model, tokens, site, value, position=None, head=None):
    if head is not None and ".attn." not in site:
        raise ValueError("no heads here")

    def hook(act, hook):
        p = slice(None) if position is None else position
        h = slice(None) if head is None else head
        if site.endswith("pattern"):
            act[:, h, p] = value[:, h, p]
        elif act.ndim == 4:
            act[:, p, h] = value[:, p, h]
        else:
            act[:, p] = value[:, p]

    return run_with_hooks(model, tokens, [(site, hook)])
