import torch
from dojo.transformer import run_with_cache, run_with_hooks


@torch.no_grad()
def name_the_circuit(model, prompts, corrupted_tokens, reference_tokens):
    """Patches z at END only: heads that work at S2 are not seen."""
    answer = lambda logits: logit_difference(logits, prompts.correct, prompts.wrong).item()
    logits, clean = run_with_cache(model, prompts.tokens)
    low, high = answer(model(corrupted_tokens)), answer(logits)
    found = []
    for layer in range(3):
        for head in range(4):
            site = f"blocks.{layer}.attn.hook_z"

            def swap(z, hook):
                z = z.clone()
                z[:, -1, head] = clean[site][:, -1, head]
                return z

            if abs(answer(run_with_hooks(model, corrupted_tokens, [(site, swap)])) - low) > 0.1 * (high - low):
                found.append((layer, head))
    layer, head = found[-1] if found else (2, 0)
    pattern = clean[f"blocks.{layer}.attn.hook_pattern"][:, head, -1].mean(0)
    to_io = pattern[prompts.positions["IO"]] > pattern[prompts.positions["S2"]]
    return {"algorithm": "s-inhibition" if to_io else "look-up", "heads": found}
