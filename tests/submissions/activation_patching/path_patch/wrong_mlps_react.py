import torch
from dojo.transformer import run_with_cache, run_with_hooks


def path_patch(model, tokens, cache, sender, receivers):
    """Heads in between are frozen, MLPs are not."""
    _, own = run_with_cache(model, tokens)
    logits = receivers == "logits"
    wanted, seen = [] if logits else list(receivers), {}
    if any(r[0] <= sender[0] for r in wanted):
        raise ValueError("A receiver must lie in a later layer.")

    def freeze(layer):
        def hook(z, hook):
            z = own[f"blocks.{layer}.attn.hook_z"].clone()
            if layer == sender[0]:
                z[:, :, sender[1]] = cache[f"blocks.{layer}.attn.hook_z"][:, :, sender[1]]
            return z

        return hook

    hooks = [(f"blocks.{i}.attn.hook_z", freeze(i)) for i in range(len(model.blocks))]
    for layer, head, kind in wanted:
        site = f"blocks.{layer}.attn.hook_{kind}"
        hooks.append((site, lambda x, hook, site=site: seen.__setitem__(site, x.detach().clone())))
    out = run_with_hooks(model, tokens, hooks)
    if logits:
        return out

    def put(head, new):
        def hook(x, hook):
            x = x.clone()
            x[:, :, head] = new[:, :, head]
            return x

        return hook

    sites = [(f"blocks.{layer}.attn.hook_{kind}", head) for layer, head, kind in wanted]
    return run_with_hooks(model, tokens, [(site, put(head, seen[site])) for site, head in sites])
