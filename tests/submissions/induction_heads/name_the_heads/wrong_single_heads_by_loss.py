def name_the_heads(model):
    tokens = repeated_tokens([19] * 16, 39, 40, generator=torch.Generator().manual_seed(4))
    cache = run_with_cache(model, tokens)[1]
    prev, ind = [], []
    for layer in range(3):
        pattern = cache[f"blocks.{layer}.attn.hook_pattern"]
        p, i = previous_token_score(pattern), induction_score(pattern, tokens)
        for head in range(4):
            if max(p[head], i[head]) < 0.4:
                continue
            if ablate_heads(model, tokens, [(layer, head)], "mean") > 0.3:
                (prev if p[head] > i[head] else ind).append([layer, head])
    return {"induction": ind, "previous_token": prev}
