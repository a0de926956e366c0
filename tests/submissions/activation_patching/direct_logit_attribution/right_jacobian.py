import torch


def direct_logit_attribution(model, cache, direction):
    # the frozen LayerNorm is linear: read off its matrix, prompt by prompt
    stack = residual_stack(model, cache)[:, :, -1].detach()
    d = stack.shape[-1]
    centre = torch.eye(d) - torch.ones(d, d) / d
    columns = []
    for b in range(stack.shape[1]):
        matrix = centre @ torch.diag(model.ln_final.weight) / cache["ln_final.hook_scale"][b, -1]
        columns.append(torch.cat([stack[:, b], torch.zeros(1, d)]) @ matrix @ direction[b])
    out = torch.stack(columns, 1)
    out[-1] += direction @ model.ln_final.bias
    return out
