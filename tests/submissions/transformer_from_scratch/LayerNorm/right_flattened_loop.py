import torch
import torch.nn as nn


class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))

    def forward(self, x):
        rows = []
        for row in x.reshape(-1, x.shape[-1]):
            centred = row - row.sum() / len(row)
            rows.append(centred / (centred.dot(centred) / len(row) + self.eps).sqrt() * self.weight + self.bias)
        return torch.stack(rows).reshape(x.shape)
