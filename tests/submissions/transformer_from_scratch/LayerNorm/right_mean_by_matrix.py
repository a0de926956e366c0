import torch
import torch.nn as nn


class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        d = x.shape[-1]
        centre = torch.eye(d) - torch.full((d, d), 1 / d)
        centred = x @ centre
        scale = torch.linalg.vector_norm(centred, dim=-1, keepdim=True) ** 2 / d + self.eps
        return centred * scale.rsqrt() * self.weight + self.bias
