import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    k = min(k_aux, int(dead.sum()))
    if k == 0:
        return torch.zeros(())
    masked = torch.where(dead, pre, torch.tensor(-1e9))
    cut = masked.sort(dim=-1, descending=True).values[:, k - 1 : k]
    z = torch.where((masked >= cut) & (masked > 0), masked, torch.tensor(0.0))
    with torch.no_grad():
        e = x - x_hat
    return torch.einsum("bd,bd->b", e - z @ W_dec, e - z @ W_dec).mean()
