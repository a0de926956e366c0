import torch


def residual_stack(model, cache):
    rows = [cache["hook_embed"][None], cache["hook_pos_embed"][None]]
    for layer, block in enumerate(model.blocks):
        p = f"blocks.{layer}."
        heads = torch.einsum("bqhd,hdm->hbqm", cache[p + "attn.hook_z"], block.attn.W_O)
        bias = block.attn.b_O.repeat(*heads.shape[1:3], 1)
        mlp = cache[p + "hook_resid_post"] - cache[p + "hook_resid_mid"]
        rows += [heads, bias[None], mlp[None]]
    return torch.cat(rows)
