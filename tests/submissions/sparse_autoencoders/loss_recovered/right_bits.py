import math


def loss_recovered(model, tokens, site, reconstruct, ablation="mean"):
    @torch.no_grad()
    def bits(fn):
        logits = run_with_hooks(model, tokens, [(site, fn)]) if fn else model(tokens)
        logp = logits.double().log_softmax(-1) / math.log(2)
        total, count = 0.0, 0
        for b in range(tokens.shape[0]):
            for p in range(tokens.shape[1] - 1):
                total -= logp[b, p, tokens[b, p + 1]].item()
                count += 1
        return total / count

    def ablate(a, hook):
        new = torch.empty_like(a)
        for d in range(a.shape[-1]):
            new[..., d] = a[..., d].mean() if ablation == "mean" else 0.0
        return new

    if ablation != "mean" and ablation != "zero":
        raise ValueError
    clean = bits(None)
    base = bits(ablate) - clean
    return 1 - (bits(lambda a, hook: reconstruct(a)) - clean) / base
