import torch


def gated_loss(sae, x, coefficient):
    c = x - sae.b_dec
    pi = c @ sae.W_enc + sae.b_gate
    mag = torch.clamp(torch.einsum("bi,ij,j->bj", c, sae.W_enc, sae.r_mag.exp()) + sae.b_mag, min=0)
    f = (pi > 0).to(x.dtype) * mag
    x_hat = torch.einsum("bj,ji->bi", f, sae.W_dec) + sae.b_dec
    gate = torch.clamp(pi, min=0)
    x_gate = torch.einsum("bj,ji->bi", gate, sae.W_dec.clone().detach()) + sae.b_dec.clone().detach()
    return (
        torch.norm(x - x_hat, dim=-1).pow(2).mean()
        + coefficient * gate.abs().sum() / len(x)
        + torch.norm(x - x_gate, dim=-1).pow(2).mean()
    )
