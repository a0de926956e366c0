import torch
from dojo.transformer import run_with_cache, run_with_hooks


def path_patch(model, tokens, cache, sender, receivers):
    """Freeze every head and MLP at its plain output, patch the sender, read the receivers' inputs; then run again."""
    _, own = run_with_cache(model, tokens)
    to_logits = isinstance(receivers, str)
    wanted = [] if to_logits else list(receivers)
    for r in wanted:
        if not r[0] > sender[0]:
            raise ValueError(f"{r} does not come after {sender}")
    hooks, seen = [], {}
    for layer in range(len(model.blocks)):
        z = own[f"blocks.{layer}.attn.hook_z"].clone()
        if layer == sender[0]:
            z[:, :, sender[1]] = cache[f"blocks.{layer}.attn.hook_z"][:, :, sender[1]]
        mlp = own[f"blocks.{layer}.hook_mlp_out"]
        hooks += [
            (f"blocks.{layer}.attn.hook_z", lambda x, hook, z=z: z),
            (f"blocks.{layer}.hook_mlp_out", lambda x, hook, mlp=mlp: mlp),
        ]
    for site in {f"blocks.{layer}.attn.hook_{kind}" for layer, _, kind in wanted}:
        hooks.append((site, lambda x, hook, site=site: seen.update({site: x.clone()})))
    logits = run_with_hooks(model, tokens, hooks)
    if to_logits:
        return logits

    def give(head, value):
        def hook(x, hook):
            mask = (torch.arange(x.shape[2]) == head)[:, None]
            return torch.where(mask, value, x)

        return hook

    sites = [(h, f"blocks.{layer}.attn.hook_{kind}") for layer, h, kind in wanted]
    return run_with_hooks(model, tokens, [(site, give(h, seen[site])) for h, site in sites])
