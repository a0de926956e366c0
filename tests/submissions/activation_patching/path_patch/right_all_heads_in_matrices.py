import einops
import torch
from dojo.transformer import run_with_cache, run_with_hooks


def path_patch(model, tokens, cache, sender, receivers):
    layer, head = sender
    if receivers != "logits":
        late = [r for r in receivers if r[0] <= layer]
        if late:
            raise ValueError(f"{late} not after {sender}")
    _, own = run_with_cache(model, tokens)
    site = f"blocks.{layer}.attn.hook_z"
    before = einops.einsum(own[site], model.blocks[layer].attn.W_O, "b p h d, h d m -> b p h m")[..., head, :]
    after = einops.einsum(cache[site], model.blocks[layer].attn.W_O, "b p h d, h d m -> b p h m")[..., head, :]
    if receivers == "logits":
        return run_with_hooks(model, tokens, [("ln_final.hook_normalized", lambda x, hook: model_norm(model, own, after - before))])
    hooks = []
    for to in sorted({r[0] for r in receivers}):
        x = model.blocks[to].ln1(own[f"blocks.{to}.hook_resid_pre"] - before + after)
        for kind in "qkv":
            heads = sorted({r[1] for r in receivers if (r[0], r[2]) == (to, kind)})
            if heads:
                W, b = getattr(model.blocks[to].attn, f"W_{kind.upper()}"), getattr(model.blocks[to].attn, f"b_{kind.upper()}")
                new = torch.einsum("bpm,hmd->bphd", x, W[heads]) + b[heads]

                def hook(old, hook, heads=heads, new=new):
                    return old.index_copy(2, torch.tensor(heads), new)

                hooks.append((f"blocks.{to}.attn.hook_{kind}", hook))
    return run_with_hooks(model, tokens, hooks)


def model_norm(model, own, delta):
    x = own[f"blocks.{len(model.blocks) - 1}.hook_resid_post"] + delta
    variance = x.var(-1, unbiased=False, keepdim=True)
    return (x - x.mean(-1, keepdim=True)) * torch.rsqrt(variance + model.ln_final.eps) * model.ln_final.weight + model.ln_final.bias
