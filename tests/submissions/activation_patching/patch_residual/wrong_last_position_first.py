import torch


def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    rows = []
    for layer in range(len(model.blocks)):
        name = f"blocks.{layer}.hook_{stream}"
        places = [(slice(None), -p) for p in range(tokens.shape[1])]
        rows.append(patch_many(model, tokens, name, cache[name], places, metric))
    return torch.stack(rows)
