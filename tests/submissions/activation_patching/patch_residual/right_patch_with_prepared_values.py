import torch
from dojo.transformer import run_with_cache


@torch.no_grad()
def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    own = run_with_cache(model, tokens)[1]
    n_pos = tokens.shape[1]
    rows = []
    for layer in range(len(model.blocks)):
        site = f"blocks.{layer}.hook_{stream}"
        value = torch.stack([own[site]] * n_pos)
        for p in range(n_pos):
            value[p, :, p] = cache[site][:, p]
        logits = patch(model, tokens.repeat(n_pos, 1), site, value.flatten(0, 1))
        rows.append([metric(part).item() for part in logits.chunk(n_pos)])
    return torch.tensor(rows)
