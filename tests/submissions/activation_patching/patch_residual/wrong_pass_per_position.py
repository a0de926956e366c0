import torch
from dojo.transformer import run_with_hooks


@torch.no_grad()
def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    L, (B, P) = len(model.blocks), tokens.shape
    out = torch.zeros(L, P)
    for p in range(P):
        hooks = []
        for layer in range(L):
            name = f"blocks.{layer}.hook_{stream}"

            def hook(act, hook, layer=layer, name=name):
                act = act.clone()
                act[layer * B : (layer + 1) * B, p] = cache[name][:, p]
                return act

            hooks.append((name, hook))
        logits = run_with_hooks(model, tokens.repeat(L, 1), hooks)
        for layer in range(L):
            out[layer, p] = metric(logits[layer * B : (layer + 1) * B])
    return out
