def is_positional_shortcut(model, period):
    p = period + 3
    tokens = repeated_tokens([p] * 16, 1 + 2 * p, model.config.d_vocab)
    cache = run_with_cache(model, tokens)[1]
    best = 0.0
    for layer in range(len(model.blocks)):
        pattern = cache[f"blocks.{layer}.attn.hook_pattern"]
        best = max(best, pattern.diagonal(-(period - 1), -2, -1).mean((0, 2)).max().item())
    return best > 0.5
