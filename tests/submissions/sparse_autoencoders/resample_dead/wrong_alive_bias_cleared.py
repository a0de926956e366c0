import torch
import torch.nn.functional as F


@torch.no_grad()
def resample_dead(state, x, dead, generator=None):
    sae = state.sae
    if not dead.any():
        return
    loss = (x - sae(x)).pow(2).sum(-1)
    drawn = torch.multinomial(loss**2, int(dead.sum()), replacement=True, generator=generator)
    v = F.normalize(x[drawn] - sae.b_dec, dim=-1)
    alive = sae.W_enc[:, ~dead].norm(dim=0)
    sae.W_dec[dead] = v
    sae.W_enc[:, dead] = 0.2 * (alive.mean() if len(alive) else 1.0) * v.T
    sae.b_enc.zero_()
    for p, place in ((sae.W_dec, dead), (sae.W_enc, (slice(None), dead)), (sae.b_enc, dead)):
        for name in ("exp_avg", "exp_avg_sq"):
            if name in state.optimizer.state[p]:
                state.optimizer.state[p][name][place] = 0
    state.idle[dead] = 0
