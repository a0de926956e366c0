import torch


def patch_head_inputs(model, tokens, cache, metric):
    def one(name, layer):
        site = f"blocks.{layer}.attn.hook_{name}"
        heads = range(model.config.n_heads)
        places = [(..., h, slice(None), slice(None)) if name == "pattern" else (..., [h], slice(None)) for h in heads]
        return patch_many(model, tokens, site, cache[site].detach(), places, metric).tolist()

    return torch.tensor([[one(name, layer) for layer in range(model.config.n_layers)] for name in ("q", "k", "v", "pattern")])
