def loss_recovered(model, tokens, site, reconstruct, ablation="mean"):
    if ablation not in ("zero", "mean"):
        raise ValueError(ablation)

    def ce(fn):
        logits = run_with_hooks(model, tokens, [(site, lambda a, hook: fn(a))])
        return -token_log_probs(logits, tokens).mean().item()

    with torch.no_grad():
        clean, sae = ce(lambda a: a), ce(reconstruct)
        gone = ce(torch.zeros_like) if ablation == "zero" else ce(lambda a: a[0].mean(0).expand_as(a))
    return (gone - sae) / (gone - clean)
