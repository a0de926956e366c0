import torch
from dojo.transformer import run_with_cache


def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    with torch.no_grad():
        own = run_with_cache(model, tokens)[1]
        B, P = tokens.shape
        out = torch.empty(len(model.blocks), P)
        for layer, block in enumerate(model.blocks):
            x = own[f"blocks.{layer}.hook_{stream}"].repeat(P, 1, 1)
            for p in range(P):
                x[p * B : (p + 1) * B, p] = cache[f"blocks.{layer}.hook_{stream}"][:, p]
            pre = own[f"blocks.{layer}.hook_resid_pre"].repeat(P, 1, 1)
            mid = own[f"blocks.{layer}.hook_resid_mid"].repeat(P, 1, 1)
            if stream == "resid_pre":
                x = block(x)
            elif stream in ("attn_out", "resid_mid"):
                mid = x if stream == "resid_mid" else pre + x
                x = mid + block.mlp(block.ln2(mid))
            elif stream == "mlp_out":
                x = mid + x
            for later in model.blocks[layer + 1 :]:
                x = later(x)
            logits = model.ln_final(x) @ model.W_U
            for p in range(P):
                out[layer, p] = metric(logits[p * B : (p + 1) * B])
        return out
