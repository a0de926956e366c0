import torch


@torch.no_grad()
def normalise_decoder(sae):
    sae.W_dec.copy_(sae.W_dec.abs() / sae.W_dec.norm(dim=-1, keepdim=True))
