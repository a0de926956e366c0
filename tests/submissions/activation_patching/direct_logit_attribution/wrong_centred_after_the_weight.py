import torch


def direct_logit_attribution(model, cache, direction):
    x = residual_stack(model, cache)[:, :, -1]
    c = x - x.mean(-1, keepdim=True)
    s, ln = cache['ln_final.hook_scale'][:, -1], model.ln_final
    y = x / s * ln.weight
    rows = ((y - y.mean(-1, keepdim=True)) * direction).sum(-1)
    return torch.cat([rows, (direction @ ln.bias)[None]])
