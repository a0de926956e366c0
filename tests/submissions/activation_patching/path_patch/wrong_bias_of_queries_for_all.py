import torch
from dojo.transformer import run_with_cache, run_with_hooks


def path_patch(model, tokens, cache, sender, receivers):
    layer, head = sender
    _, own = run_with_cache(model, tokens)
    name = f"blocks.{layer}.attn.hook_z"
    delta = (cache[name][:, :, head] - own[name][:, :, head]) @ model.blocks[layer].attn.W_O[head]
    if receivers == "logits":
        final = f"blocks.{len(model.blocks) - 1}.hook_resid_post"
        return run_with_hooks(model, tokens, [(final, lambda x, hook: x + delta)])
    hooks = []
    for to_layer, to_head, kind in receivers:
        if to_layer <= layer:
            raise ValueError("A receiver must lie in a later layer.")
        attn = model.blocks[to_layer].attn
        stream = own[f"blocks.{to_layer}.hook_resid_pre"] + delta
        x = model.blocks[to_layer].ln1(stream)
        new = x @ getattr(attn, "W_" + kind.upper())[to_head] + attn.b_Q[to_head]

        def replace(old, hook, new=new, to_head=to_head):
            old = old.clone()
            old[:, :, to_head] = new
            return old

        hooks.append((f"blocks.{to_layer}.attn.hook_{kind}", replace))
    return run_with_hooks(model, tokens, hooks)
