import einops
import torch
import torch.nn as nn


class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        mean = einops.reduce(x, "... d -> ... 1", "mean")
        centred = x - mean
        var = einops.reduce(centred**2, "... d -> ... 1", "mean")
        return torch.addcmul(self.bias, centred / (var + self.eps).sqrt(), self.weight)
