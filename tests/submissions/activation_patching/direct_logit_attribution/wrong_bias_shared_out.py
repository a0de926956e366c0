import torch


def direct_logit_attribution(model, cache, direction):
    x = residual_stack(model, cache)[:, :, -1]
    x = (x - x.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, -1] * model.ln_final.weight
    x = x + model.ln_final.bias / len(x)
    rows = (x * direction).sum(-1)
    return torch.cat([rows, torch.zeros_like(rows[:1])])
