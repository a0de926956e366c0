import torch
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        wide = x.double()
        squares = torch.einsum("...d,...d->...", wide, wide) / x.shape[-1]
        return (wide / torch.sqrt(squares + self.eps)[..., None]).to(x.dtype) * self.weight
