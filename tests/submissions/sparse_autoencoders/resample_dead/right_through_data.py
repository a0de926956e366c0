import torch


def resample_dead(state, x, dead, generator=None):
    if dead.sum() == 0:
        return
    sae = state.sae
    error = (x - sae.decode(sae.encode(x))).detach()
    chance = error.pow(2).sum(dim=1) ** 2
    pick = torch.multinomial(chance / chance.sum(), dead.sum().item(), replacement=True, generator=generator)
    b = sae.b_dec.data
    v = (x[pick] - b) / torch.linalg.vector_norm(x[pick] - b, dim=1, keepdim=True)
    norms = torch.linalg.vector_norm(sae.W_enc.data, dim=0)
    typical = norms[dead.logical_not()].mean() if not dead.all() else torch.tensor(1.0)
    sae.W_dec.data[dead] = v
    sae.W_enc.data.T[dead] = v * typical / 5
    sae.b_enc.data[dead] = 0.0
    keep = (~dead).float()
    for q, m in ((sae.W_dec, keep[:, None]), (sae.W_enc, keep[None]), (sae.b_enc, keep)):
        s = state.optimizer.state[q]
        if "exp_avg" in s:
            s["exp_avg"] *= m
            s["exp_avg_sq"] *= m
    state.idle = torch.where(dead, torch.zeros_like(state.idle), state.idle)
