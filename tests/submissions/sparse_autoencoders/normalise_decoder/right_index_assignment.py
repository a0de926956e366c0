import torch


@torch.no_grad()
def normalise_decoder(sae):
    sae.W_dec[:] = torch.diag(1 / torch.linalg.norm(sae.W_dec, axis=1)) @ sae.W_dec
    return sae
