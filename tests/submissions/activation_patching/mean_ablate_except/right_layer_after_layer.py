import einops
import torch
from dojo.transformer import run_with_cache, run_with_hooks


def mean_ablate_except(model, tokens, circuit, reference_tokens):
    sites = [f"blocks.{i}.attn.hook_z" for i in range(len(model.blocks))]
    with torch.no_grad():
        _, cache = run_with_cache(model, reference_tokens, names=sites)
    hooks = []
    for i, site in enumerate(sites):
        n_heads = cache[site].shape[2]
        out = [h for h in range(n_heads) if all((i, h) != (a, b) for a, b in circuit)]
        mean = einops.reduce(cache[site], "ref pos head d -> pos head d", "mean")

        def ablate(z, hook, out=out, mean=mean):
            return z.index_copy(2, torch.tensor(out, dtype=torch.long), einops.repeat(mean[:, out], "p h d -> b p h d", b=len(z)))

        hooks.append((site, ablate))
    return run_with_hooks(model, tokens, hooks)
