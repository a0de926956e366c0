def ablate_heads(model, tokens, heads, mode):
    if mode not in ("zero", "mean", "resample"):
        raise ValueError(mode)
    logits, cache = run_with_cache(model, tokens)

    def replace(layer, head):
        clean = cache[f"blocks.{layer}.attn.hook_z"][:, :, head]
        new = {"zero": torch.zeros_like(clean), "mean": clean.mean(dim=0), "resample": clean.roll(2, 0)}[mode]

        def hook(z, hook):
            z = z.clone()
            z[:, :, head] = new
            return z
        return hook

    hooks = [(f"blocks.{layer}.attn.hook_z", replace(layer, head)) for layer, head in heads]
    return second_half_loss(run_with_hooks(model, tokens, hooks), tokens) - second_half_loss(logits, tokens)
