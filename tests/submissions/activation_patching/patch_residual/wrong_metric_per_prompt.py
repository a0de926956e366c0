import torch


def patch_residual(model, tokens, cache, metric, stream="resid_pre"):
    rows = []
    for layer in range(len(model.blocks)):
        name = f"blocks.{layer}.hook_{stream}"
        places = [(slice(None), p) for p in range(tokens.shape[1])]
        each = lambda logits: torch.stack([metric(one[None]) for one in logits]).mean()
        rows.append(patch_many(model, tokens, name, cache[name], places, each))
    return torch.stack(rows)
