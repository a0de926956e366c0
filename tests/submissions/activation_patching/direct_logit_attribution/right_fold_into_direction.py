import torch


def direct_logit_attribution(model, cache, direction):
    # centring is symmetric, so it may be done on the direction
    folded = direction * model.ln_final.weight
    folded = folded - folded.mean(dim=1, keepdim=True)
    stack = residual_stack(model, cache)[:, :, -1]
    rows = (stack * folded / cache["ln_final.hook_scale"][:, -1]).sum(-1)
    return torch.vstack([rows, direction @ model.ln_final.bias])
