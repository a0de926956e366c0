import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def frozen_decoder_baseline(sae, batch_at, objective, until, lr=1e-3, generator=None):
    # normalising rows of length 1 changes nothing, and there is no gradient to free of anything
    twin = copy.deepcopy(sae)
    decoder = F.normalize(torch.randn(sae.W_dec.shape, generator=generator), dim=1)
    twin.load_state_dict({**twin.state_dict(), "W_dec": decoder, "W_enc": decoder.T.contiguous()})
    twin.W_dec.requires_grad_(False)
    state = start_training(twin, lr=lr)
    train_sae(state, batch_at, objective, until)
    return state.sae
