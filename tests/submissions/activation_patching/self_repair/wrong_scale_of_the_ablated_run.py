import torch
from dojo.transformer import run_with_cache


def self_repair(model, tokens, layer, head, correct, wrong):
    site = f"blocks.{layer}.attn.hook_z"
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens)
        new = cache[site].clone()
        new[:, :, head] = cache[site][:, :, head].mean(0)
        direction = (model.W_U[:, correct] - model.W_U[:, wrong]).T
        row = component_names(model).index(f"head {layer}.{head}")
        from dojo.transformer import run_with_hooks

        seen = {}
        keep = [(site, lambda z, hook: new), ("ln_final.hook_scale", lambda s, hook: seen.update(s=s.clone()))]
        run_with_hooks(model, tokens, keep)
        other = dict(cache)
        other["ln_final.hook_scale"] = seen["s"]
        other[site] = new
        before = direct_logit_attribution(model, cache, direction)[row].mean()
        after = direct_logit_attribution(model, other, direction)[row].mean()
        patched = patch(model, tokens, site, new, head=head)
        total = logit_difference(logits, correct, wrong) - logit_difference(patched, correct, wrong)
        direct = before - after
    return {"direct": direct.item(), "total": total.item(), "repaired": (direct - total).item()}
