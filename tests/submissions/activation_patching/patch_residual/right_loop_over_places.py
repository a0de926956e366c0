import torch


def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    n_pos = tokens.shape[1]
    out = []
    for layer in range(len(model.blocks)):
        name = f"blocks.{layer}.hook_{stream}"
        out.append(patch_many(model, tokens, name, cache[name], [(slice(None), [p]) for p in range(n_pos)], metric))
    return torch.stack(out, 0)
