import torch


@torch.no_grad()
def resample_dead(state, x, dead, generator=None):
    places = dead.nonzero().flatten()
    if len(places) == 0:
        return
    sae = state.sae
    p = (x - sae(x)).square().sum(1).square()
    edges = (p / p.sum()).cumsum(0)
    drawn = torch.searchsorted(edges, torch.rand(len(places), generator=generator)).clamp(max=len(x) - 1)
    v = torch.nn.functional.normalize(x[drawn] - sae.b_dec, dim=1)
    alive = (~dead).nonzero().flatten()
    length = sae.W_enc.T[alive].norm(dim=1).mean().item() if len(alive) else 1.0
    sae.W_dec.index_copy_(0, places, v)
    sae.W_enc.index_copy_(1, places, (0.2 * length * v).T)
    sae.b_enc.index_fill_(0, places, 0.0)
    for parameter, dim in ((sae.W_dec, 0), (sae.W_enc, 1), (sae.b_enc, 0)):
        for name, average in state.optimizer.state.get(parameter, {}).items():
            if name != "step":
                average.index_fill_(dim, places, 0.0)
    state.idle.index_fill_(0, places, 0)
