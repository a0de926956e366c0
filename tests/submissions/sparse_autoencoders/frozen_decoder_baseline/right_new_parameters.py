import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def frozen_decoder_baseline(sae, batch_at, objective, until, lr=1e-3, generator=None):
    twin = copy.deepcopy(sae)
    draw = torch.empty(twin.W_dec.shape).normal_(generator=generator)
    draw /= (draw**2).sum(-1, keepdim=True) ** 0.5
    twin.W_dec = nn.Parameter(draw, requires_grad=False)
    twin.W_enc = nn.Parameter(draw.T.clone())
    return train_sae(start_training(twin, lr), batch_at, objective, until, unit_decoder=False)
