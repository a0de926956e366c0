import torch


def normalise_decoder(sae):
    W = sae.W_dec.detach()
    lengths = W.square().sum(-1).sqrt()
    sae.W_dec.detach().copy_(W / lengths[:, None])
