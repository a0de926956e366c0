import torch
from dojo.transformer import run_with_hooks


def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    n_layers, n_pos = len(model.blocks), tokens.shape[1]
    out = torch.zeros(n_layers, n_pos)
    with torch.inference_mode():
        for layer in range(n_layers):
            name = f"blocks.{layer}.hook_{stream}"

            def hook(act, hook):
                act = act.clone()
                for p in range(n_pos):
                    act[p::n_pos, p] = cache[name][:, p]
                return act

            logits = run_with_hooks(model, tokens.repeat_interleave(n_pos, dim=0), [(name, hook)])
            for p in range(n_pos):
                out[layer, p] = metric(logits[p::n_pos])
    return out
