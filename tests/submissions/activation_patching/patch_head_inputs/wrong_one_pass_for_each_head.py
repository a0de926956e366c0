import torch
from dojo.transformer import run_with_hooks


def patch_head_inputs(model, tokens, cache, metric):
    n_heads = len(model.blocks[0].attn.W_O)
    out = torch.zeros(4, len(model.blocks), n_heads)
    for i, name in enumerate(("q", "k", "v", "pattern")):
        for layer in range(len(model.blocks)):
            for head in range(n_heads):
                place = (slice(None), head) if name == "pattern" else (slice(None), slice(None), head)
                site = f"blocks.{layer}.attn.hook_{name}"
                out[i, layer, head] = patch_many(model, tokens, site, cache[site], [place], metric)[0]
    return out
