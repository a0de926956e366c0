import torch


@torch.no_grad()
def direct_logit_attribution(model, cache, direction):
    stack = residual_stack(model, cache)
    out = torch.zeros(len(stack) + 1, len(direction))
    for b in range(len(direction)):
        scale = cache["ln_final.hook_scale"][b, -1, 0]
        for c in range(len(stack)):
            v = stack[c, b, -1]
            out[c, b] = torch.dot((v - v.mean()) / scale * model.ln_final.weight, direction[b])
        out[-1, b] = torch.dot(model.ln_final.bias, direction[b])
    return out
