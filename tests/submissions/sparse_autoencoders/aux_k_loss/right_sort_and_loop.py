def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    which = [i for i in range(len(dead)) if dead[i]]
    if not which:
        return 0.0
    total = 0
    for b in range(len(x)):
        left = x[b].detach() - x_hat[b].detach()
        ranked = sorted(which, key=lambda i: -pre[b, i].item())[:k_aux]
        for i in ranked:
            if pre[b, i] > 0:
                left = left - pre[b, i] * W_dec[i]
        total = total + (left**2).sum()
    return total / len(x)
