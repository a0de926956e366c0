from collections import defaultdict

import torch


def ablate_heads(model, tokens, heads, mode):
    if mode not in {"zero", "mean", "resample"}:
        raise ValueError(mode)
    by_layer = defaultdict(list)
    for layer, head in heads:
        by_layer[layer].append(head)
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens)

        def make(layer):
            def fn(z, hook):
                out = z.clone()
                clean = cache[f"blocks.{layer}.attn.hook_z"]
                for h in by_layer[layer]:
                    if mode == "zero":
                        out[:, :, h, :] = 0.0
                    elif mode == "mean":
                        out[:, :, h, :] = clean[:, :, h, :].mean(0, keepdim=True)
                    else:
                        out[:, :, h, :] = torch.cat([clean[-1:, :, h], clean[:-1, :, h]])
                return out

            return fn

        ablated = run_with_hooks(model, tokens, [(f"blocks.{l}.attn.hook_z", make(l)) for l in by_layer])
    return second_half_loss(ablated, tokens) - second_half_loss(logits, tokens)
