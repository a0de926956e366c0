import torch
from dojo.transformer import run_with_hooks


def patch_head_inputs(model, tokens, cache, metric):
    rows = []
    for layer, block in enumerate(model.blocks):
        n = block.attn.W_K.size(0)
        row = []
        for name in ("q", "k", "v", "pattern"):
            site = f"blocks.{layer}.attn.hook_{name}"

            def hook(x, hook):
                x = x.clone()
                for h in range(n):
                    if name == "pattern":
                        x[h::n, h] = cache[site][:, h]
                    else:
                        x[h::n, :, h] = cache[site][:, :, h]
                return x

            with torch.no_grad():
                logits = run_with_hooks(model, tokens.repeat_interleave(n, dim=0), [(site, hook)])
                row.append(torch.tensor([metric(logits[h::n]).item() for h in range(n)]))
        rows.append(torch.stack(row))
    return torch.stack(rows, dim=1)
