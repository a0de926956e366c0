import torch


@torch.no_grad()
def normalise_decoder(sae):
    for row in sae.W_dec:
        row.div_(row.norm())
