import torch


def patch_head_inputs(model, tokens, cache, metric):
    result = []
    for name in ["q", "k", "v", "pattern"]:
        for layer, block in enumerate(model.blocks):
            site = f"blocks.{layer}.attn.hook_{name}"
            value = cache[site]
            n_heads = block.attn.W_Q.shape[0]
            for_pattern = [(slice(None), h) for h in range(n_heads)]
            for_others = [(slice(None), slice(None), h) for h in range(n_heads)]
            places = for_pattern if name == "pattern" else for_others
            result.append(patch_many(model, tokens, site, value, places, metric))
    return torch.stack(result).reshape(4, len(model.blocks), -1)
