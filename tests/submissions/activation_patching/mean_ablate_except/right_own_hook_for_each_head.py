import torch
from dojo.transformer import run_with_cache, run_with_hooks


@torch.no_grad()
def mean_ablate_except(model, tokens, circuit, reference_tokens):
    cache = run_with_cache(model, reference_tokens)[1]
    kept = {tuple(c) for c in circuit}
    hooks = []
    for layer, block in enumerate(model.blocks):
        site = f"blocks.{layer}.attn.hook_z"
        for head in range(block.attn.W_O.shape[0]):
            if (layer, head) in kept:
                continue
            total = sum(cache[site][r, :, head] for r in range(len(reference_tokens)))

            def hook(z, hook, head=head, mean=total / len(reference_tokens)):
                z[:, :, head] = mean
                return z

            hooks.append((site, hook))
    return run_with_hooks(model, tokens, hooks)
