import torch
from dojo.transformer import run_with_hooks


def path_patch(model, tokens, cache, sender, receivers):
    layer, head = sender
    if receivers != "logits" and any(r[0] <= layer for r in receivers):
        raise ValueError("A receiver must lie in a later layer.")

    def hook(z, hook):
        z = z.clone()
        z[:, :, head] = cache[f"blocks.{layer}.attn.hook_z"][:, :, head]
        return z

    return run_with_hooks(model, tokens, [(f"blocks.{layer}.attn.hook_z", hook)])
