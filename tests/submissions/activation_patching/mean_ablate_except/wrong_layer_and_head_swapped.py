import torch
from dojo.transformer import run_with_cache, run_with_hooks


def mean_ablate_except(model, tokens, circuit, reference_tokens):
    _, cache = run_with_cache(model, reference_tokens)

    def make(layer):
        mean = cache[f"blocks.{layer}.attn.hook_z"].mean(0)

        def hook(z, hook):
            z = z.clone()
            for head in range(z.shape[2]):
                if (head, layer) not in circuit:
                    z[:, :, head] = mean[:, head]
            return z

        return hook

    hooks = [(f"blocks.{layer}.attn.hook_z", make(layer)) for layer in range(len(model.blocks))]
    return run_with_hooks(model, tokens, hooks)
