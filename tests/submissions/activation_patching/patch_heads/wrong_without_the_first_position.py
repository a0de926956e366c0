import torch


def patch_heads(model, tokens, cache, metric):
    rows = []
    for layer, block in enumerate(model.blocks):
        name = f"blocks.{layer}.attn.hook_z"
        places = [(slice(None), slice(1, None), head) for head in range(len(block.attn.W_O))]
        rows.append(patch_many(model, tokens, name, cache[name], places, metric))
    return torch.stack(rows)
