import torch


def residual_stack(model, cache):
    out = [cache['hook_embed'], cache['hook_pos_embed']]
    for i, block in enumerate(model.blocks):
        z, W_O = cache[f'blocks.{i}.attn.hook_z'], block.attn.W_O
        out += [z[:, :, h] @ W_O[h] for h in reversed(range(len(W_O)))]
        out.append(block.attn.b_O.expand_as(out[0]))
        out.append(cache[f'blocks.{i}.hook_mlp_out'])
    return torch.stack(out)
