import torch


def direct_logit_attribution(model, cache, direction):
    stack = residual_stack(model, cache)
    mean = stack.mean(dim=-1, keepdim=True)
    normed = (stack - mean) / cache["ln_final.hook_scale"] * model.ln_final.weight
    bias = model.ln_final.bias.expand(1, *stack.shape[1:])
    return torch.stack(
        [torch.cat([normed, bias])[:, i, -1] @ d for i, d in enumerate(direction)], dim=1
    )
