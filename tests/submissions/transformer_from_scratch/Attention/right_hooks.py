import einops
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
        self.hook_q, self.hook_k, self.hook_v = HookPoint(), HookPoint(), HookPoint()
        self.hook_pattern, self.hook_z = HookPoint(), HookPoint()

    def forward(self, x):
        into = "b p m, h m d -> b p h d"
        q = self.hook_q(einops.einsum(x, self.W_Q, into) + self.b_Q)
        k = self.hook_k(einops.einsum(x, self.W_K, into) + self.b_K)
        v = self.hook_v(einops.einsum(x, self.W_V, into) + self.b_V)
        pattern = self.hook_pattern(attention_pattern(q, k))
        z = self.hook_z(einops.einsum(pattern, v, "b h q k, b k h d -> b q h d"))
        return einops.einsum(z, self.W_O, "b q h d, h d m -> b q m") + self.b_O
