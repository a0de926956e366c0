import torch
import torch.nn as nn


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.W_in = nn.Parameter(0.02 * torch.randn(config.d_model, config.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(config.d_mlp))
        self.W_out = nn.Parameter(0.02 * torch.randn(config.d_mlp, config.d_model))
        self.b_out = nn.Parameter(torch.zeros(config.d_model))

    def forward(self, x):
        a = torch.addmm(self.b_in, x.flatten(0, 1), self.W_in)
        a = a * torch.sigmoid(2 * 0.7978845608028654 * (a + 0.044715 * a * a * a))
        return torch.addmm(self.b_out, a, self.W_out).view(x.shape)
