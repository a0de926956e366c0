import torch
from dojo.transformer import run_with_cache, run_with_hooks


def self_repair(model, tokens, layer, head, correct, wrong):
    """The direct effect of (z minus its mean), written out."""
    name = f"blocks.{layer}.attn.hook_z"
    logits, cache = run_with_cache(model, tokens)
    z = cache[name][:, :, head]
    mean = z.mean(0, keepdim=True)
    wrote = (z - mean)[:, -1] @ model.blocks[layer].attn.W_O[head]
    wrote = (wrote - wrote.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, -1] * model.ln_final.weight
    per_token = wrote @ model.W_U
    rows = torch.arange(len(tokens))
    direct = (per_token[rows, correct] - per_token[rows, wrong]).mean()

    def hook(z, hook):
        z = z.clone()
        z[:, :, head] = mean
        return z

    ablated = run_with_hooks(model, tokens, [(name, hook)])
    rest = (logits - ablated)[:, -1]
    total = (rest.gather(1, correct[:, None]) - rest.gather(1, wrong[:, None])).mean()
    direct, total = float(direct.detach()), float(total.detach())
    return dict(direct=direct, total=total, repaired=direct - total)
