import torch


def residual_stack(model, cache):
    parts = [cache["hook_embed"], cache["hook_pos_embed"]]
    for layer, block in enumerate(model.blocks):
        z = cache[f"blocks.{layer}.attn.hook_z"]
        batch, pos, heads, d = z.shape
        z = z.reshape(heads, batch, pos, d)
        parts += list(z @ block.attn.W_O[:, None])
        parts += [block.attn.b_O.expand_as(parts[0]), cache[f"blocks.{layer}.hook_mlp_out"]]
    return torch.stack(parts)
