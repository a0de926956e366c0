def loss_recovered(model, tokens, site, reconstruct, ablation="mean"):
    logits, cache = run_with_cache(model, tokens, [site])
    act = cache[site]
    if ablation == "mean":
        replaced = torch.zeros_like(act) + act.mean((0, 1))
    elif ablation == "zero":
        replaced = torch.zeros_like(act)
    else:
        raise ValueError(ablation)
    losses = [-token_log_probs(logits, tokens).sum()]
    for value in (reconstruct(act), replaced):
        out = run_with_hooks(model, tokens, [(site, lambda a, hook, value=value: value)])
        losses.append(-token_log_probs(out, tokens).sum())
    clean, sae, gone = [l.item() for l in losses]
    return (gone - sae) / (gone - clean)
