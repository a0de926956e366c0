import torch


def patch_head_inputs(model, tokens, cache, metric):
    out = {}
    with torch.no_grad():
        for layer, block in enumerate(model.blocks):
            n = len(block.attn.W_V)
            eye = torch.eye(n, dtype=torch.bool)
            for name, point in block.attn.named_children():
                if name == "hook_z":
                    continue
                other = cache[f"blocks.{layer}.attn.{name}"]
                mask = eye[:, None, :, None, None] if name == "hook_pattern" else eye[:, None, None, :, None]

                def replace(module, args, x, other=other, mask=mask, n=n):
                    return torch.where(mask, other, x.unflatten(0, (n, -1))).flatten(0, 1)

                handle = point.register_forward_hook(replace)
                try:
                    logits = model(tokens.repeat(n, 1)).unflatten(0, (n, -1))
                finally:
                    handle.remove()
                out[name, layer] = torch.stack([metric(logits[h]) for h in range(n)])
    layers = range(len(model.blocks))
    return torch.stack([torch.stack([out[f"hook_{i}", j] for j in layers]) for i in ("q", "k", "v", "pattern")])
