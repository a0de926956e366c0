import torch


@torch.inference_mode()
def patch_heads(model, tokens, cache, metric):
    n_heads = model.config.n_heads
    places = [(slice(None), slice(None), slice(h, h + 1)) for h in range(n_heads)]
    sites = [f"blocks.{layer}.attn.hook_z" for layer in range(model.config.n_layers)]
    return torch.stack([patch_many(model, tokens, s, cache[s], places, metric) for s in sites])
