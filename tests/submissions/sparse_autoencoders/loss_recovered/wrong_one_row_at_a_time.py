def loss_recovered(model, tokens, site, reconstruct, ablation="mean"):
    if ablation not in ("zero", "mean"):
        raise ValueError(ablation)
    total = 0.0
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens, [site])
        recon = reconstruct(cache[site])
        for i in range(len(tokens)):
            row = tokens[i : i + 1]

            def ce(value):
                return -token_log_probs(run_with_hooks(model, row, [(site, lambda a, hook: value)]), row).mean()

            act = cache[site][i : i + 1]
            gone = ce(act * 0 if ablation == "zero" else act.mean((0, 1)).expand_as(act))
            total += (gone - ce(recon[i : i + 1])) / (gone - ce(act))
    return (total / len(tokens)).item()
