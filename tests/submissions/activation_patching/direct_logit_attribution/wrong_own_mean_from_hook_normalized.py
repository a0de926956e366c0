import torch


def direct_logit_attribution(model, cache, direction):
    stack = residual_stack(model, cache)[:, :, -1]
    share = stack / stack.sum(0)
    total = cache["ln_final.hook_normalized"][:, -1] - model.ln_final.bias
    return torch.cat([(share * total * direction).sum(-1), (direction @ model.ln_final.bias)[None]])
