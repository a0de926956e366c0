import torch


def aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux):
    e = (x - x_hat).detach()
    if not dead.any():
        return torch.tensor(0.0)
    mine, rows = pre[:, dead], W_dec[dead]
    values, places = mine.topk(min(k_aux, mine.shape[1]), dim=1)
    e_hat = (torch.relu(values)[:, :, None] * rows[places]).sum(1)
    return ((e - e_hat) ** 2).sum(-1).mean()
