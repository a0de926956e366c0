import torch
from dojo.transformer import run_with_cache


def mean_ablate_except(model, tokens, circuit, reference_tokens):
    cache = run_with_cache(model, reference_tokens)[1]
    for layer, block in enumerate(model.blocks):
        mean = cache[f"blocks.{layer}.attn.hook_z"].mean(0)

        def hook(module, args, z, layer=layer, mean=mean):
            z = z.clone()
            for head in range(z.shape[2]):
                if (layer, head) not in circuit:
                    z[:, :, head] = mean[:, head]
            return z

        block.attn.hook_z.register_forward_hook(hook)
    return model(tokens)
