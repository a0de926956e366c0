import torch


def normalise_decoder(sae):
    W = sae.W_dec.detach() / sae.W_dec.detach().norm(dim=-1, keepdim=True)
    del sae.W_dec
    sae.W_dec = W
