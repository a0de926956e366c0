import torch


@torch.no_grad()
def patch(model, tokens, site, value, position=None, head=None):
    if value.ndim == 3 and head is not None:
        raise ValueError(f"{site}: no head axis")
    pos = range(tokens.shape[1]) if position is None else [position]
    axis = 2 if site.endswith("hook_pattern") else 1

    def hook(module, args, out):
        new = out.clone()
        for p in pos:
            if value.ndim == 3:
                new[:, p] = value[:, p]
                continue
            heads = range(value.shape[3 - axis]) if head is None else [head]
            for h in heads:
                index = (slice(None), p, h) if axis == 1 else (slice(None), h, p)
                new[index] = value[index]
        return new

    handle = dict(model.named_modules())[site].register_forward_hook(hook)
    try:
        return model(tokens)
    finally:
        handle.remove()
