@torch.no_grad()
def resample_dead(state, x, dead, generator=None):
    n = int(dead.sum().item())
    if n == 0:
        return
    sae = state.sae
    e = x - sae(x)
    logits = 2 * torch.einsum("bd,bd->b", e, e).log()
    u = torch.rand(n, len(x), generator=generator, dtype=torch.float64).clamp(min=1e-300)
    idx = (logits - (-u.log()).log()).argmax(dim=1)
    d = torch.zeros_like(sae.W_dec)
    rows = x[idx] - sae.b_dec
    d[dead] = rows / rows.norm(dim=1, keepdim=True)
    keep = (~dead).float()
    mean = (sae.W_enc.norm(dim=0) * keep).sum() / keep.sum() if keep.sum() > 0 else torch.tensor(1.0)
    sae.W_dec.copy_(torch.where(dead[:, None], d, sae.W_dec))
    sae.W_enc.copy_(torch.where(dead[None, :], d.T * (0.2 * mean), sae.W_enc))
    sae.b_enc.masked_fill_(dead, 0.0)
    for p, m in [(sae.W_dec, dead[:, None]), (sae.W_enc, dead[None]), (sae.b_enc, dead)]:
        if p in state.optimizer.state:
            state.optimizer.state[p]["exp_avg"].masked_fill_(m, 0)
            state.optimizer.state[p]["exp_avg_sq"].masked_fill_(m, 0)
    state.idle.masked_fill_(dead, 0)
