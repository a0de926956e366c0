import torch
from dojo.transformer import run_with_cache


@torch.no_grad()
def self_repair(model, tokens, layer, head, correct, wrong):
    point = model.blocks[layer].attn.hook_z
    plain, cache = run_with_cache(model, tokens)

    def ablate(module, args, z):
        z = z.clone()
        z[:, :, head] = z[:, :, head].mean(dim=0, keepdim=True)
        return z

    handle = point.register_forward_hook(ablate)
    try:
        _, ablated_cache = run_with_cache(model, tokens, [f"blocks.{layer}.attn.hook_z"])
        ablated = model(tokens)
    finally:
        handle.remove()
    direction = torch.stack([model.W_U[:, c] - model.W_U[:, w] for c, w in zip(correct, wrong)])
    rows = []
    for z in (cache, ablated_cache):
        rows.append(direct_logit_attribution(model, {**cache, **{f"blocks.{layer}.attn.hook_z": z[f"blocks.{layer}.attn.hook_z"]}}, direction).sum(0).mean())
    direct = (rows[0] - rows[1]).item()
    total = sum((plain - ablated)[i, -1, c].item() - (plain - ablated)[i, -1, w].item() for i, (c, w) in enumerate(zip(correct, wrong))) / len(tokens)
    return {"repaired": direct - total, "total": total, "direct": direct}
