@torch.no_grad()
def resample_dead(state, x, dead, generator=None):
    sae, adam = state.sae, state.optimizer.state
    loss = ((x - sae.decode(sae.encode(x))) ** 2).mean(dim=1).double()
    cdf = torch.cumsum(loss**2 / (loss**2).sum(), 0)
    alive = [sae.W_enc[:, j].norm().item() for j in range(len(dead)) if not dead[j]]
    length = sum(alive) / len(alive) if alive else 1.0
    for j in dead.nonzero().flatten().tolist():
        u = torch.rand((), generator=generator, dtype=torch.float64)
        i = min(int(torch.searchsorted(cdf, u, right=True)), len(x) - 1)
        v = x[i] - sae.b_dec
        v = v / v.norm()
        sae.W_dec.data[j] = v
        sae.W_enc.data[:, j] = v * 0.2 * length
        sae.b_enc.data[j] = 0.0
        if sae.W_dec in adam:
            for name in ("exp_avg", "exp_avg_sq"):
                adam[sae.W_dec][name][j] = 0
                adam[sae.W_enc][name][:, j] = 0
                adam[sae.b_enc][name][j] = 0
        state.idle[j] = 0
