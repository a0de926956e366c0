import torch


@torch.no_grad()
def logit_lens(model, cache):
    n_heads = len(model.blocks[0].attn.W_O)
    total = residual_stack(model, cache).cumsum(0)
    return model.ln_final(total[1 :: n_heads + 2]) @ model.W_U
