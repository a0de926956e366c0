from functools import partial


def _mean(a, hook):
    return a.mean(dim=[0, 1], keepdim=True).expand(*a.shape)


def _zero(a, hook):
    a = a.clone()
    a[:] = 0
    return a


def _sae(a, hook, reconstruct):
    return reconstruct(a)


def loss_recovered(model, tokens, site, reconstruct, ablation="mean"):
    ablations = dict(zero=_zero, mean=_mean)
    if ablation not in ablations:
        raise ValueError(f"no such ablation: {ablation}")
    lp_clean = token_log_probs(model(tokens), tokens).mean()
    lp_sae = token_log_probs(run_with_hooks(model, tokens, [(site, partial(_sae, reconstruct=reconstruct))]), tokens).mean()
    lp_abl = token_log_probs(run_with_hooks(model, tokens, [(site, ablations[ablation])]), tokens).mean()
    return (lp_sae - lp_abl) / (lp_clean - lp_abl)
