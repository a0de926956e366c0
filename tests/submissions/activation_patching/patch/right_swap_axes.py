from dojo.transformer import run_with_hooks


def patch(model, tokens, site, value, position=None, head=None):
    kind = site.split(".")[-1]

    def hook(activation, hook):
        new = activation.clone()
        view, source = new, value
        if kind == "hook_pattern":
            view, source = new.transpose(1, 2), value.transpose(1, 2)  # both [batch, query, head, key]
        positions = slice(None) if position is None else slice(position, position + 1)
        if kind in ("hook_q", "hook_k", "hook_v", "hook_z", "hook_pattern"):
            heads = slice(None) if head is None else slice(head, head + 1)
            view[:, positions, heads] = source[:, positions, heads]
        elif head is None:
            view[:, positions] = source[:, positions]
        else:
            raise ValueError(f"no heads at {site}")
        return new

    return run_with_hooks(model, tokens, [(site, hook)])
