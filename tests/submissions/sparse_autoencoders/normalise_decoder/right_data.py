import torch


def normalise_decoder(sae):
    sae.W_dec.data = sae.W_dec.data / sae.W_dec.data.norm(dim=1, keepdim=True)
