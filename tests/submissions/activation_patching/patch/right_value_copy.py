from dojo.transformer import run_with_cache, run_with_hooks


def patch(model, tokens, site, value, position=None, head=None):
    own = run_with_cache(model, tokens, [site])[1][site]
    is_pattern = "pattern" in site
    if head is not None and own.ndim < 4:
        raise ValueError("no head axis")
    index = [slice(None)] * own.ndim
    if position is not None:
        index[2 if is_pattern else 1] = position
    if head is not None:
        index[1 if is_pattern else 2] = head
    own[tuple(index)] = value[tuple(index)]
    return run_with_hooks(model, tokens, [(site, lambda a, hook: own)])
