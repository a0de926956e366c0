import torch
from dojo.transformer import run_with_cache


def self_repair(model, tokens, layer, head, correct, wrong):
    """What the head reads out: W_O, centring, weight and W_U folded into one map from z to logits."""
    site = f"blocks.{layer}.attn.hook_z"
    with torch.inference_mode():
        logits, cache = run_with_cache(model, tokens)
        W = model.blocks[layer].attn.W_O[head]
        W = (W - W.mean(1, keepdim=True)) * model.ln_final.weight @ model.W_U
        z = cache[site][:, -1, head]
        out = (z - z.mean(0)) @ W / cache["ln_final.hook_scale"][:, -1]
        direct = logit_difference(out[:, None], correct, wrong)
        mean = cache[site].mean(0, keepdim=True).expand_as(cache[site])
        fell = logits - patch(model, tokens, site, mean, None, head)
        total = logit_difference(fell, correct, wrong)
        return {"direct": direct.item(), "total": total.item(), "repaired": direct.item() - total.item()}
