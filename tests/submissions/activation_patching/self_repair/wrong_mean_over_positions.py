import torch
from dojo.transformer import run_with_cache


def self_repair(model, tokens, layer, head, correct, wrong):
    site = f"blocks.{layer}.attn.hook_z"
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens)
        new = cache[site].clone()
        new[:, :, head] = cache[site][:, :, head].mean(1, keepdim=True)
        direction = (model.W_U[:, correct] - model.W_U[:, wrong]).T
        row = component_names(model).index(f"head {layer}.{head}")
        other = dict(cache)
        other[site] = new
        before = direct_logit_attribution(model, cache, direction)[row].mean()
        after = direct_logit_attribution(model, other, direction)[row].mean()
        patched = patch(model, tokens, site, new, head=head)
        total = logit_difference(logits, correct, wrong) - logit_difference(patched, correct, wrong)
        direct = before - after
    return {"direct": direct.item(), "total": total.item(), "repaired": (direct - total).item()}
