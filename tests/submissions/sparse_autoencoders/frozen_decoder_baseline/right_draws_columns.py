import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def frozen_decoder_baseline(sae, batch_at, objective, until, lr=1e-3, generator=None):
    twin = copy.deepcopy(sae)
    d_sae, d_in = twin.W_dec.shape
    encoder = F.normalize(torch.randn(d_in, d_sae, generator=generator), dim=0)
    with torch.no_grad():
        twin.W_enc.copy_(encoder)
        twin.W_dec.copy_(encoder.T)
    twin.W_dec.requires_grad_(False)
    return train_sae(start_training(twin, lr), batch_at, objective, until, unit_decoder=False)
