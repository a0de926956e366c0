import torch
from dojo.transformer import run_with_cache


def name_the_circuit(model, prompts, corrupted_tokens, reference_tokens):
    def metric(logits):
        return logit_difference(logits, prompts.correct, prompts.wrong)

    logits, clean = run_with_cache(model, prompts.tokens)
    other_logits, other = run_with_cache(model, corrupted_tokens)
    ends = metric(logits).item(), metric(other_logits).item()
    enough = normalised_effect(patch_heads(model, corrupted_tokens, clean, metric), *ends)
    needed = normalised_effect(patch_heads(model, prompts.tokens, other, metric), *ends, "noising")
    matters = (enough.abs() > 0.1) | (needed.abs() > 0.1)
    heads = [(layer, head) for layer, head in matters.nonzero().tolist()]
    last = max(layer for layer, _ in heads)
    at = prompts.positions
    pattern = clean[f"blocks.{last}.attn.hook_pattern"][:, [h for layer, h in heads if layer == last], at["END"]].mean((0, 1))
    algorithm = "s-inhibition" if pattern[at["IO"]] > pattern[at["S2"]] else "look-up"
    return {"algorithm": None, "heads": heads}
