import torch


def residual_stack(model, cache):
    parts = [cache["hook_embed"], cache["hook_pos_embed"]]
    for layer in range(len(model.blocks)):
        attn, z = model.blocks[layer].attn, cache[f"blocks.{layer}.attn.hook_z"]
        parts += [z[:, :, h] @ attn.W_O[h] for h in range(z.shape[2])]
        parts += [attn.b_O.expand_as(parts[0]), cache[f"blocks.{layer}.hook_resid_mid"]]
    return torch.stack(parts)
