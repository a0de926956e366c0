import torch


@torch.no_grad()
def normalise_decoder(sae):
    sae.W_dec -= sae.W_dec.mean(dim=-1, keepdim=True)
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True)
