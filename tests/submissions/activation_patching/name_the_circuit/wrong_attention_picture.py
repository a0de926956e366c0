import torch
from dojo.transformer import run_with_cache


def name_the_circuit(model, prompts, corrupted_tokens, reference_tokens):
    """Whoever looks at a name from END or from S2."""
    _, cache = run_with_cache(model, prompts.tokens)
    at, heads = prompts.positions, []
    for layer in range(3):
        p = cache[f"blocks.{layer}.attn.hook_pattern"].mean(0)
        for head in range(4):
            if p[head, at["END"], [at["IO"], at["S2"]]].max() > 0.3 or p[head, at["S2"], [at["S1"], at["IO"]]].max() > 0.3:
                heads.append((layer, head))
    return {"algorithm": "s-inhibition", "heads": heads or [(0, 0)]}
