import torch.nn.functional as F


def loss_recovered(model, tokens, site, reconstruct, ablation="mean"):
    if ablation == "zero":
        ablate = lambda a: a * 0
    elif ablation == "mean":
        ablate = lambda a: a.flatten(0, 1).mean(0)[None, None].repeat(a.shape[0], a.shape[1], 1)
    else:
        raise ValueError("ablation must be zero or mean")

    def ce(fn):
        module = model.get_submodule(site)
        handle = module.register_forward_hook(lambda m, i, out: fn(out))
        try:
            logits = model(tokens)
        finally:
            handle.remove()
        return F.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), tokens[:, 1:].reshape(-1))

    with torch.no_grad():
        clean, sae, ablated = ce(lambda a: a), ce(reconstruct), ce(ablate)
    return (ablated - sae) / (ablated - clean)
