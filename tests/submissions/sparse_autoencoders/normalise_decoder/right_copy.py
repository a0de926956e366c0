import torch
import torch.nn.functional as F


def normalise_decoder(sae):
    with torch.no_grad():
        sae.W_dec.copy_(F.normalize(sae.W_dec, dim=-1))
