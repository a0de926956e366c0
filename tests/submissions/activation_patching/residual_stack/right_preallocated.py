import torch


@torch.no_grad()
def residual_stack(model, cache):
    n_heads = len(model.blocks[0].attn.W_O)
    out = torch.zeros(2 + len(model.blocks) * (n_heads + 2), *cache["hook_embed"].shape)
    n_pos = out.shape[2]
    out[0] = cache["hook_embed"]
    out[1] = model.W_pos[:n_pos]
    row = 2
    for i, block in enumerate(model.blocks):
        z = cache[f"blocks.{i}.attn.hook_z"].transpose(1, 2)  # [batch, head, pos, d_head]
        out[row : row + n_heads] = (z @ block.attn.W_O).transpose(0, 1)
        out[row + n_heads] = block.attn.b_O
        out[row + n_heads + 1] = cache[f"blocks.{i}.hook_mlp_out"]
        row += n_heads + 2
    return out
