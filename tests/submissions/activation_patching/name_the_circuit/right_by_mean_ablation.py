import torch
from dojo.transformer import run_with_cache, run_with_hooks


def name_the_circuit(model, prompts, corrupted_tokens, reference_tokens):
    """Drop one head after the other for as long as the answer stays; the algorithm from patching the stream at S2."""
    rows = torch.arange(len(prompts.tokens))

    def score(logits):
        return (logits[rows, -1, prompts.correct] - logits[rows, -1, prompts.wrong]).mean().item()

    with torch.no_grad():
        _, reference = run_with_cache(model, reference_tokens)
        logits, clean = run_with_cache(model, prompts.tokens)
        base = score(logits)

        def run(kept):
            hooks = []
            for layer in range(len(model.blocks)):
                site = f"blocks.{layer}.attn.hook_z"
                mask = torch.tensor([(layer, h) in kept for h in range(4)])[:, None]
                hooks.append((site, lambda z, hook, mask=mask, site=site: torch.where(mask, z, reference[site].mean(0))))
            return score(run_with_hooks(model, prompts.tokens, hooks))

        heads = [(layer, h) for layer in range(3) for h in range(4)]
        value = run(heads)
        for head in list(heads):
            without = run([h for h in heads if h != head])
            if without > value - 0.05 * base:
                heads.remove(head)
                value = without
        s2 = prompts.positions["S2"]
        corrupted = score(model(corrupted_tokens))

        def only_names_at_s2(layer):
            def hook(x, hook):
                x = x.clone()
                x[:, s2] = clean[f"blocks.{layer}.hook_resid_pre"][:, s2]
                return x

            return score(run_with_hooks(model, corrupted_tokens, [(f"blocks.{layer}.hook_resid_pre", hook)]))

        assert only_names_at_s2(0) > corrupted
        last = max(heads)[0]
        pattern = clean[f"blocks.{last}.attn.hook_pattern"][:, max(heads)[1], -1].mean(0)
        look_up = pattern[s2] > pattern[prompts.positions["IO"]]
    return {"heads": heads, "algorithm": "look-up" if look_up else "s-inhibition"}
