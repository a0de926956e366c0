import torch
from dojo.transformer import run_with_cache, run_with_hooks


@torch.no_grad()
def name_the_circuit(model, prompts, corrupted_tokens, reference_tokens):
    answer = lambda logits: logit_difference(logits, prompts.correct, prompts.wrong).item()
    clean_logits, clean = run_with_cache(model, prompts.tokens)
    low = answer(model(corrupted_tokens))
    high = answer(clean_logits)
    runs = {"three": run_with_cache(model, reference_tokens)[1], "swap": run_with_cache(model, corrupted_tokens)[1]}
    found = []
    for layer in range(len(model.blocks)):
        site = f"blocks.{layer}.attn.hook_z"
        for head in range(len(model.blocks[layer].attn.W_O)):
            effects = []
            for tokens, source, start in (
                (corrupted_tokens, clean, low),
                (prompts.tokens, runs["swap"], high),
                (prompts.tokens, runs["three"], high),
            ):

                def swap(z, hook):
                    z = z.clone()
                    z[:, :, head] = source[site][:, :, head]
                    return z

                effects.append(abs(answer(run_with_hooks(model, tokens, [(site, swap)])) - start) / (high - low))
            if max(effects) > 0.08:
                found.append((layer, head))
    late = [h for h in found if h[0] == found[-1][0]]
    io = sum(clean[f"blocks.{layer}.attn.hook_pattern"][:, h, -1, prompts.positions["IO"]].mean() for layer, h in late)
    s2 = sum(clean[f"blocks.{layer}.attn.hook_pattern"][:, h, -1, prompts.positions["S2"]].mean() for layer, h in late)
    return {"algorithm": ["look-up", "s-inhibition"][int(io > s2)], "heads": found}
