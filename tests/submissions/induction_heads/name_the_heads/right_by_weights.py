def name_the_heads(model):
    # induction heads by their OV circuit, previous-token heads by K-composition with them
    tokens = repeated_tokens([19] * 8, 39, 40, generator=torch.Generator().manual_seed(1))
    cache = run_with_cache(model, tokens)[1]
    ind, prev = [], []
    for l in range(3):
        s = induction_score(cache[f"blocks.{l}.attn.hook_pattern"], tokens)
        for h in range(4):
            if s[h] > 0.4 and copying_score(ov_circuit(model, l, h)) > 0.3:
                ind.append((l, h))
    for l in range(max(i for i, _ in ind)):
        s = previous_token_score(cache[f"blocks.{l}.attn.hook_pattern"])
        for h in range(4):
            best = max(compositions(model, "K", l, later)[h, head].item() for later, head in ind if later > l)
            if s[h] > 0.4 and best > 1.5 * random_composition(208, 88):
                prev.append((l, h))
    return {"previous_token": prev, "induction": ind}
