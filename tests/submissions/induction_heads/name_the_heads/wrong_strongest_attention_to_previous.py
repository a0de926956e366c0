def name_the_heads(model):
    tokens = repeated_tokens([19] * 8, 39, 40)
    cache = run_with_cache(model, tokens)[1]
    claim = {"previous_token": [], "induction": []}
    for l in range(3):
        pattern = cache[f"blocks.{l}.attn.hook_pattern"]
        diag = pattern.diagonal(-18, -2, -1).mean((0, 2))
        prev = pattern.diagonal(-1, -2, -1).mean((0, 2))
        for h in range(4):
            if prev[h] > 0.5:
                claim["previous_token"].append((l, h))
            if diag[h] > 0.5:
                claim["induction"].append((l, h))
    return claim
