import torch
import torch.nn as nn
import torch.nn.functional as F


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.W_in = nn.Parameter(0.02 * torch.randn(config.d_model, config.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(config.d_mlp))
        self.W_out = nn.Parameter(0.02 * torch.randn(config.d_mlp, config.d_model))
        self.b_out = nn.Parameter(torch.zeros(config.d_model))

    def forward(self, x):
        a = x @ self.W_in + self.b_in
        return F.gelu(a, approximate="tanh") @ self.W_out.T.reshape(self.W_out.shape) + self.b_out
