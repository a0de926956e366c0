@torch.no_grad()
def resample_dead(state, x, dead, generator=None):
    if not dead.any():
        return
    sae = state.sae
    loss = (x - sae(x)).pow(2).sum(-1)
    idx = torch.multinomial(loss**2, int(dead.sum()), replacement=True, generator=generator)
    v = F.normalize(x[idx] - sae.b_dec, dim=-1)
    norms = sae.W_enc.norm(dim=0)
    scale = norms[~dead].mean() if (~dead).any() else 1.0
    sae.W_dec[dead] = v
    sae.W_enc[:, dead] = 0.2 * scale * v.T
    sae.b_enc[dead] = 0
    for p, where in ((sae.W_dec, (dead,)), (sae.W_enc, (slice(None), dead)), (sae.b_enc, (dead,))):
        s = state.optimizer.state.get(p, {})
        for key in ("exp_avg", "exp_avg_sq"):
            if key in s:
                s[key][where] = 0
        if s:
            s["step"].zero_()
    state.idle[dead] = 0
