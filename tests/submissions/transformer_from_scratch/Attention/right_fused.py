import torch
import torch.nn as nn
import torch.nn.functional as F


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
        batch, n, _ = x.shape
        heads, _, d = self.W_Q.shape
        W = torch.stack([self.W_Q, self.W_K, self.W_V]).permute(2, 0, 1, 3).flatten(1)
        b = torch.stack([self.b_Q, self.b_K, self.b_V]).flatten()
        q, k, v = (x @ W + b).view(batch, n, 3, heads, d).unbind(2)
        pattern = attention_pattern(q, k)
        z = (pattern @ v.transpose(1, 2)).transpose(1, 2).reshape(batch, n, heads * d)
        return F.linear(z, self.W_O.reshape(heads * d, -1).T, self.b_O)
