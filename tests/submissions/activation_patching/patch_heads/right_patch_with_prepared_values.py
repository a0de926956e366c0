import torch
from dojo.transformer import run_with_cache


def patch_heads(model, tokens, cache, metric):
    rows = []
    with torch.no_grad():
        _, own = run_with_cache(model, tokens)
        for layer, block in enumerate(model.blocks):
            site = f"blocks.{layer}.attn.hook_z"
            n_heads = block.attn.W_O.size(0)
            eye = torch.eye(n_heads, dtype=torch.bool)[:, None, None, :, None]
            value = torch.where(eye, cache[site][None], own[site][None]).flatten(0, 1)
            logits = patch(model, tokens.repeat(n_heads, 1), site, value)
            rows.append(torch.stack([metric(x) for x in logits.split(len(tokens))]))
    return torch.stack(rows)
