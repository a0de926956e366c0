import torch
from dojo.transformer import run_with_hooks


@torch.no_grad()
def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    L, (B, P) = len(model.blocks), tokens.shape
    hooks = []
    for layer in range(L):
        name = f"blocks.{layer}.hook_{stream}"

        def hook(act, hook):
            act = act.clone()
            for p in range(P):
                start = (layer * P + p) * B
                act[start : start + B, p] = cache[name][:, p]
            return act

        hooks.append((name, hook))
    logits = run_with_hooks(model, tokens.repeat(L * P, 1), hooks)
    return torch.stack([metric(c) for c in logits.split(B)]).view(L, P)
