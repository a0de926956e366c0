import torch


def matryoshka_loss(x, f, W_dec, b_dec, prefixes):
    ends = torch.tensor(list(prefixes))
    mask = torch.arange(f.shape[1])[None] < ends[:, None]
    x_hat = torch.einsum("pj,bj,ji->pbi", mask.to(f.dtype), f, W_dec) + b_dec
    return (x_hat - x).pow(2).sum(-1).mean(-1).sum()
