from dojo.transformer import run_with_hooks


def patch(model, tokens, site, value, position=None, head=None):
    def hook(a, hook):
        a = a.clone()
        p = slice(None) if position is None else position
        if head is None:
            a[:, p] = value[:, p]
        elif site.endswith("hook_pattern"):
            a[:, head, p] = value[:, head, p]
        elif a.ndim == 4:
            a[:, p, head] = value[:, p, head]
        else:
            raise ValueError("no heads")
        return a

    return run_with_hooks(model, tokens, [(site, hook)])
