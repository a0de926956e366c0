def ablate_heads(model, tokens, heads, mode):
    if mode not in ("zero", "mean", "resample"):
        raise ValueError(mode)
    logits, cache = run_with_cache(model, tokens)
    hooks = []
    for layer, head in heads:
        name = f"blocks.{layer}.attn.hook_z"
        clean = cache[name][:, :, head]
        new = {"zero": torch.zeros_like(clean), "mean": clean.mean(dim=0), "resample": clean.roll(1, 0)}[mode]

        def hook(z, hook):
            z = z.clone()
            z[:, :, head] = new
            return z
        hooks.append((name, hook))
    return second_half_loss(run_with_hooks(model, tokens, hooks), tokens) - second_half_loss(logits, tokens)
