import torch
from dojo.transformer import run_with_cache, run_with_hooks


@torch.no_grad()
def self_repair(model, tokens, layer, head, correct, wrong):
    """Later heads keep their attention patterns."""
    site = f"blocks.{layer}.attn.hook_z"
    logits, cache = run_with_cache(model, tokens)
    new = cache[site].clone()
    new[:, :, head] = cache[site][:, :, head].mean(0)
    direction = (model.W_U[:, correct] - model.W_U[:, wrong]).T
    row = component_names(model).index(f"head {layer}.{head}")
    direct = direct_logit_attribution(model, cache, direction)[row] - direct_logit_attribution(model, cache | {site: new}, direction)[row]
    hooks = [(site, lambda z, hook: new)]
    for later in range(layer + 1, len(model.blocks)):
        name = f"blocks.{later}.attn.hook_pattern"
        hooks.append((name, lambda p, hook, name=name: cache[name]))
    after = run_with_hooks(model, tokens, hooks)
    total = logit_difference(logits, correct, wrong) - logit_difference(after, correct, wrong)
    return {"direct": direct.mean().item(), "total": total.item(), "repaired": (direct.mean() - total).item()}
