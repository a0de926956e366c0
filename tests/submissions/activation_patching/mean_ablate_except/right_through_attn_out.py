import torch
from dojo.transformer import run_with_cache, run_with_hooks


def mean_ablate_except(model, tokens, circuit, reference_tokens):
    """Put together what each layer's attention adds: live heads by z W_O, ablated ones by their mean's W_O."""
    _, cache = run_with_cache(model, reference_tokens)
    live, hooks = {}, []
    for layer, block in enumerate(model.blocks):
        constant = block.attn.b_O
        for head, W in enumerate(block.attn.W_O):
            if (layer, head) not in list(circuit):
                constant = constant + cache[f"blocks.{layer}.attn.hook_z"][:, :, head].mean(0) @ W

        def remember(z, hook, layer=layer):
            live[layer] = z

        def combine(out, hook, layer=layer, constant=constant, W_O=block.attn.W_O):
            out = constant.expand_as(out)
            for head, W in enumerate(W_O):
                if (layer, head) in list(circuit):
                    out = out + live[layer][:, :, head] @ W
            return out

        hooks += [(f"blocks.{layer}.attn.hook_z", remember), (f"blocks.{layer}.hook_attn_out", combine)]
    return run_with_hooks(model, tokens, hooks)
