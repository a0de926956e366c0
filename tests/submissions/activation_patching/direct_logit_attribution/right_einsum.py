import torch


def direct_logit_attribution(model, cache, direction):
    x = residual_stack(model, cache)[:, :, -1, :]
    x = x - x.mean(-1, keepdim=True)
    x = x * model.ln_final.weight
    x = x / cache["ln_final.hook_scale"][:, -1, :]
    rows = torch.einsum("cbd,bd->cb", x, direction)
    last = torch.einsum("d,bd->b", model.ln_final.bias, direction)
    return torch.cat((rows, last.unsqueeze(0)), dim=0)
