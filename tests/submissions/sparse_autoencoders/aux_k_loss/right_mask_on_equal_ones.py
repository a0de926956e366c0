def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    e = (x - x_hat).detach()
    p = pre[:, dead]
    v, i = p.topk(min(k_aux, p.shape[1]), dim=-1)
    z = F.relu(p) * (p >= v[:, -1:])
    e_hat = z @ W_dec[dead]
    return (e - e_hat).pow(2).sum(-1).mean()
