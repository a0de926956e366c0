def name_the_heads(model):
    tokens = repeated_tokens([19] * 8, 39, 40, generator=torch.Generator().manual_seed(1))
    cache = run_with_cache(model, tokens)[1]
    p = torch.stack([previous_token_score(cache[f"blocks.{l}.attn.hook_pattern"]) for l in range(3)])
    i = torch.stack([induction_score(cache[f"blocks.{l}.attn.hook_pattern"], tokens) for l in range(3)])
    pick = lambda s: [(int(k) // 4, int(k) % 4) for k in s.flatten().topk(2).indices]
    return {"previous_token": pick(p), "induction": pick(i)}
