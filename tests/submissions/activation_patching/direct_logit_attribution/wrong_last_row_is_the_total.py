import torch


def direct_logit_attribution(model, cache, direction):
    x = residual_stack(model, cache)[:, :, -1]
    c = x - x.mean(-1, keepdim=True)
    s, ln = cache['ln_final.hook_scale'][:, -1], model.ln_final
    rows = (c / s * ln.weight * direction).sum(-1)
    return torch.cat([rows, rows.sum(0, keepdim=True)])
