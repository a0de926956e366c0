def loss_recovered(model, tokens, site, reconstruct, ablation="mean"):
    if ablation not in ("zero", "mean"):
        raise ValueError(ablation)

    def ppl(fn):
        logits = run_with_hooks(model, tokens, [(site, lambda a, hook: fn(a))])
        return (-token_log_probs(logits, tokens).mean()).exp().item()

    with torch.no_grad():
        clean, sae = ppl(lambda a: a), ppl(reconstruct)
        gone = ppl(torch.zeros_like) if ablation == "zero" else ppl(lambda a: a.mean((0, 1)).expand_as(a))
    return (gone - sae) / (gone - clean)
