import torch


def residual_stack(model, cache):
    out = [cache["hook_embed"], cache["hook_pos_embed"]]
    for layer in range(len(model.blocks)):
        attn = model.blocks[layer].attn
        z = cache[f"blocks.{layer}.attn.hook_z"]
        for head in range(z.shape[2]):
            out.append(z[:, :, head, :] @ attn.W_O[head])
        out.append(torch.zeros_like(out[0]) + attn.b_O)
        out.append(cache[f"blocks.{layer}.hook_mlp_out"])
    return torch.stack(out, dim=0)
