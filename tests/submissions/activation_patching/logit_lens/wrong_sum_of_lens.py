def logit_lens(model, cache):
    import torch

    parts = residual_stack(model, cache)
    n_heads = len(model.blocks[0].attn.W_O)
    return (model.ln_final(parts) @ model.W_U).cumsum(0)[1 :: n_heads + 2]
