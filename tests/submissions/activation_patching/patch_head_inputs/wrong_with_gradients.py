import torch
from dojo.transformer import run_with_hooks


def patch_head_inputs(model, tokens, cache, metric):
    out = []
    for name in ("q", "k", "v", "pattern"):
        for layer, block in enumerate(model.blocks):
            site, n = f"blocks.{layer}.attn.hook_{name}", len(block.attn.W_O)

            def hook(x, hook):
                x = x.unflatten(0, (n, -1)).clone()
                for h in range(n):
                    x[h].select(1 if name == "pattern" else 2, h).copy_(cache[site].select(1 if name == "pattern" else 2, h))
                return x.flatten(0, 1)

            logits = run_with_hooks(model, tokens.repeat(n, 1), [(site, hook)])
            out.append(torch.stack([metric(part) for part in logits.chunk(n)]))
    return torch.stack(out).unflatten(0, (4, -1))
