import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def frozen_decoder_baseline(sae, batch_at, objective, until, lr=1e-3, generator=None):
    twin = copy.deepcopy(sae)
    with torch.no_grad():
        twin.W_dec[:] = torch.randn(twin.W_dec.shape, generator=generator)
        twin.W_dec.div_(twin.W_dec.norm(dim=-1, keepdim=True))
        twin.W_enc[:] = twin.W_dec.t()
    twin.W_dec.register_hook(torch.zeros_like)  # Adam sees a gradient of 0 and does not move
    return train_sae(start_training(twin, lr), batch_at, objective, until, unit_decoder=False)
