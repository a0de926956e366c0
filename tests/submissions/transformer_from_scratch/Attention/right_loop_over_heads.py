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
        out = self.b_O
        for h in range(self.W_Q.shape[0]):
            q = x @ self.W_Q[h] + self.b_Q[h]
            k = x @ self.W_K[h] + self.b_K[h]
            v = x @ self.W_V[h] + self.b_V[h]
            pattern = attention_pattern(q[:, :, None], k[:, :, None])[:, 0]
            out = out + pattern @ v @ self.W_O[h]
        return out
