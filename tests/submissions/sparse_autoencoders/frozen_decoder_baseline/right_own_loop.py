import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


def frozen_decoder_baseline(sae, batch_at, objective, until, lr=1e-3, generator=None):
    twin = copy.deepcopy(sae)
    d_sae, d_in = twin.W_dec.shape
    rows = torch.stack([torch.randn(d_in, generator=generator) for _ in range(d_sae)])
    rows = rows / rows.norm(dim=1, keepdim=True)
    twin.W_dec.data = rows
    twin.W_enc.data = rows.T.clone()
    twin.W_dec.requires_grad = False
    opt = torch.optim.Adam([p for p in twin.parameters() if p is not twin.W_dec], lr=lr)
    state = TrainingState(twin, opt, 0, torch.zeros(d_sae, dtype=torch.long))
    for step in range(until):
        loss, _ = objective(state, batch_at(step))
        opt.zero_grad()
        loss.backward()
        opt.step()
        state.step += 1
    return twin
