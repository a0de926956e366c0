import torch


def patch_heads(model, tokens, cache, metric):
    rows = []
    for layer in reversed(range(len(model.blocks))):
        name = f"blocks.{layer}.attn.hook_z"
        places = [(slice(None), slice(None), h) for h in range(cache[name].shape[2])]
        rows.append(patch_many(model, tokens, name, cache[name], places, metric))
    return torch.stack(rows)
