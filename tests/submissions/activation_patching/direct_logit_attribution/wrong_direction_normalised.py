import torch


def direct_logit_attribution(model, cache, direction):
    direction = direction / direction.norm(dim=-1, keepdim=True)
    x = residual_stack(model, cache)[:, :, -1]
    x = (x - x.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, -1] * model.ln_final.weight
    return torch.cat([(x * direction).sum(-1), (direction @ model.ln_final.bias)[None]])
