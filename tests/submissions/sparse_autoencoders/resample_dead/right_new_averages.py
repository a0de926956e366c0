import torch


def resample_dead(state, x, dead, generator=None):
    if not bool(dead.any()):
        return None
    sae = state.sae
    with torch.no_grad():
        squared = torch.stack([(row - sae(row)).pow(2).sum() ** 2 for row in x])
        idx = torch.multinomial(squared, int(dead.sum()), replacement=True, generator=generator)
        new = x[idx] - sae.b_dec
        new /= new.norm(dim=-1, keepdim=True)
        mean = sae.W_enc[:, ~dead].norm(dim=0).mean() if (~dead).any() else 1.0
        W_dec, W_enc, b_enc = sae.W_dec.clone(), sae.W_enc.clone(), sae.b_enc.clone()
        W_dec[dead], W_enc[:, dead], b_enc[dead] = new, (0.2 * mean * new).T, 0
        sae.W_dec.copy_(W_dec), sae.W_enc.copy_(W_enc), sae.b_enc.copy_(b_enc)
    for p, index in [(sae.W_dec, (dead,)), (sae.W_enc, (slice(None), dead)), (sae.b_enc, (dead,))]:
        slot = state.optimizer.state[p]
        for k in list(slot):
            if k.startswith("exp_avg"):
                slot[k] = slot[k].clone()
                slot[k][index] = 0
    state.idle[dead.nonzero()] = 0
