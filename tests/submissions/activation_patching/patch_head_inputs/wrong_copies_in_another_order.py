import torch
from dojo.transformer import run_with_hooks


@torch.no_grad()
def patch_head_inputs(model, tokens, cache, metric):
    out = []
    for name in ("q", "k", "v", "pattern"):
        for layer, block in enumerate(model.blocks):
            site, n = f"blocks.{layer}.attn.hook_{name}", len(block.attn.W_O)

            def hook(x, hook):
                x = x.clone()
                for h in range(n):
                    if name == "pattern":
                        x[h * len(tokens) : (h + 1) * len(tokens), h] = cache[site][:, h]
                    else:
                        x[h * len(tokens) : (h + 1) * len(tokens), :, h] = cache[site][:, :, h]
                return x

            logits = run_with_hooks(model, tokens.repeat_interleave(n, 0), [(site, hook)])
            out.append(torch.stack([metric(part) for part in logits.chunk(n)]))
    return torch.stack(out).unflatten(0, (4, -1))
