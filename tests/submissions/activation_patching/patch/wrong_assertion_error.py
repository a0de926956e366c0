from dojo.transformer import run_with_hooks


def patch(model, tokens, site, value, position=None, head=None):
    def hook(act, hook):
        act = act.clone()
        p = slice(None) if position is None else position
        if act.ndim == 4 and head is not None:
            act[:, p, head] = value[:, p, head]
        elif act.ndim == 4:
            act[:, p] = value[:, p]
        else:
            assert head is None
            act[:, p] = value[:, p]
        return act

    return run_with_hooks(model, tokens, [(site, hook)])
