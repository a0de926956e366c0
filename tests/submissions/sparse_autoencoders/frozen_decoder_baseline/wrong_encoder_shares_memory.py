import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def frozen_decoder_baseline(sae, batch_at, objective, until, lr=1e-3, generator=None):
    twin = copy.deepcopy(sae)
    with torch.no_grad():
        twin.W_dec.copy_(F.normalize(torch.randn(twin.W_dec.shape, generator=generator), dim=-1))
    twin.W_dec.requires_grad_(False)
    twin.W_enc = nn.Parameter(twin.W_dec.data.T)  # a view: training the encoder moves the decoder
    return train_sae(start_training(twin, lr), batch_at, objective, until, unit_decoder=False)
