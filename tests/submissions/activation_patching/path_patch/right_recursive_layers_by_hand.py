import torch
from dojo.transformer import run_with_cache


def path_patch(model, tokens, cache, sender, receivers):
    """The whole second run is written out, block by block."""
    to_logits = receivers == "logits"
    receivers = [] if to_logits else [tuple(r) for r in receivers]
    if any(r[0] <= sender[0] for r in receivers):
        raise ValueError("Receivers come later.")
    own = run_with_cache(model, tokens)[1]
    z = f"blocks.{sender[0]}.attn.hook_z"
    W_O = model.blocks[sender[0]].attn.W_O
    delta = (cache[z] - own[z])[:, :, sender[1], :] @ W_O[sender[1]]
    resid = own["hook_embed"] + own["hook_pos_embed"]
    n = tokens.shape[1]
    for layer, block in enumerate(model.blocks):
        attn, out = block.attn, block.attn.b_O
        x, x_new = block.ln1(resid), block.ln1(own[f"blocks.{layer}.hook_resid_pre"] + delta)
        for head in range(len(attn.W_O)):
            q, k, v = (
                (x_new if (layer, head, name) in receivers else x) @ getattr(attn, f"W_{name.upper()}")[head] + getattr(attn, f"b_{name.upper()}")[head]
                for name in "qkv"
            )
            scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
            scores = scores + torch.full((n, n), float("-inf")).triu(1)
            out = out + scores.softmax(-1) @ v @ attn.W_O[head]
        resid = resid + out
        resid = resid + block.mlp(block.ln2(resid))
    return model.ln_final(resid + delta if to_logits else resid) @ model.W_U
