import torch
from dojo.transformer import run_with_cache


def name_the_circuit(model, prompts, corrupted_tokens, reference_tokens):
    """Whoever writes the answer."""
    _, cache = run_with_cache(model, prompts.tokens)
    direction = (model.W_U[:, prompts.correct] - model.W_U[:, prompts.wrong]).T
    heads = []
    for layer, block in enumerate(model.blocks):
        z = cache[f"blocks.{layer}.attn.hook_z"][:, -1]
        out = torch.einsum("bhd,hdm->hbm", z, block.attn.W_O)
        share = (out * direction).sum(-1).mean(-1)
        heads += [(layer, h) for h in range(4) if share[h] > 0.2 * share.max() and share[h] > 0.5]
    last = cache[f"blocks.{heads[-1][0]}.attn.hook_pattern"].mean(0)[heads[-1][1], -1]
    to_io = last[prompts.positions["IO"]] > last[prompts.positions["S2"]]
    return {"algorithm": "s-inhibition" if to_io else "look-up", "heads": heads}
