import math

import torch
import torch.nn as nn


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        h, m, d = config.n_heads, config.d_model, config.d_head
        self.W_Q = nn.Parameter(0.02 * torch.randn(h, m, d))
        self.W_K = nn.Parameter(0.02 * torch.randn(h, m, d))
        self.W_V = nn.Parameter(0.02 * torch.randn(h, m, d))
        self.W_O = nn.Parameter(0.02 * torch.randn(h, d, m))
        self.b_Q = nn.Parameter(torch.zeros(h, d))
        self.b_K = nn.Parameter(torch.zeros(h, d))
        self.b_V = nn.Parameter(torch.zeros(h, d))
        self.b_O = nn.Parameter(torch.zeros(m))

    def forward(self, x):
        heads, _, d = self.W_Q.shape
        n = x.shape[1]
        q, k, v = (
            torch.tensordot(x, W, dims=([2], [1])) + b
            for W, b in [(self.W_Q, self.b_Q), (self.W_K, self.b_K), (self.W_V, self.b_V)]
        )
        scores = torch.einsum("bihd,bjhd->bhij", q, k).div(math.sqrt(d))
        scores = scores + torch.triu(torch.full((n, n), -1e9), diagonal=1)
        z = torch.einsum("bhij,bjhd->bihd", scores.softmax(-1), v)
        return torch.tensordot(z, self.W_O, dims=([2, 3], [0, 1])) + self.b_O
