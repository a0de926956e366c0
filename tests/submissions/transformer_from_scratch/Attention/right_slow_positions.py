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
        q, k, v = (
            torch.stack([x @ W[h] + b[h] for h in range(len(W))], dim=2)
            for W, b in ((self.W_Q, self.b_Q), (self.W_K, self.b_K), (self.W_V, self.b_V))
        )
        out = []
        for i in range(x.shape[1]):
            scores = (q[:, i : i + 1] * k[:, : i + 1]).sum(-1) / q.shape[-1] ** 0.5
            z = (scores.softmax(1)[..., None] * v[:, : i + 1]).sum(1)
            out.append((z[:, :, None] @ self.W_O).sum(1)[:, 0] + self.b_O)
        return torch.stack(out, dim=1)
