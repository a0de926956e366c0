import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def frozen_decoder_baseline(sae, batch_at, objective, until, lr=1e-3, generator=None):
    twin = copy.deepcopy(sae)
    with torch.no_grad():
        twin.W_dec.copy_(F.normalize(torch.randn(twin.W_dec.shape, generator=generator), dim=-1))
        twin.W_enc.copy_(twin.W_dec.T)
    sae.W_dec.requires_grad_(False)
    twin.W_dec.requires_grad_(False)
    return train_sae(start_training(twin, lr), batch_at, objective, until, unit_decoder=False)
