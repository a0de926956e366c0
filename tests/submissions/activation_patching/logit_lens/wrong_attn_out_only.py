import torch


def logit_lens(model, cache):
    x = cache["hook_embed"] + cache["hook_pos_embed"]
    out = [x]
    for i in range(len(model.blocks)):
        x = x + cache[f"blocks.{i}.hook_attn_out"]
        out.append(x)
    return model.ln_final(torch.stack(out)) @ model.W_U
