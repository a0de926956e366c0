import torch
from dojo.transformer import run_with_hooks


@torch.no_grad()
def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    B, P = tokens.shape
    rows = []
    for layer in range(len(model.blocks)):
        name = f"blocks.{layer}.hook_{stream}"

        def hook(act, hook):
            act = act.clone()
            for p in range(P):
                act[p * B : (p + 1) * B, p] = cache[name][:, p]
            return act

        logits = run_with_hooks(model, tokens.repeat_interleave(P, 0), [(name, hook)])
        rows.append(torch.stack([metric(c) for c in logits.chunk(P)]))
    return torch.stack(rows)
