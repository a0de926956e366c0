import torch
import torch.nn as nn
import torch.nn.functional as F


class SparseAutoencoder(nn.Module):
    def __init__(self, d_in, d_sae, activation=None):
        super().__init__()
        W_dec = F.normalize(torch.randn(d_sae, d_in), dim=-1)
        self.W_enc = nn.Parameter(W_dec.T.clone())
        self.b_enc = nn.Parameter(torch.zeros(d_sae))
        self.W_dec = nn.Parameter(W_dec)
        self.b_dec = nn.Parameter(torch.zeros(d_in))
        self.activation = nn.ReLU() if activation is None else activation

    def pre_activations(self, x):
        x = x - self.b_dec
        return F.normalize(x, dim=-1) @ self.W_enc + self.b_enc

    def encode(self, x):
        return self.activation(self.pre_activations(x))

    def decode(self, f):
        return f @ self.W_dec + self.b_dec

    def forward(self, x):
        return self.decode(self.encode(x))
