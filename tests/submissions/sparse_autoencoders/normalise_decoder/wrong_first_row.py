import torch


@torch.no_grad()
def normalise_decoder(sae):
    sae.W_dec /= sae.W_dec[0].norm()
