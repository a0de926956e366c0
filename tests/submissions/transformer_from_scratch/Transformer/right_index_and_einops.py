import einops
import torch
import torch.nn as nn


class Transformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.W_E = nn.Parameter(0.02 * torch.randn(config.d_vocab, config.d_model))
        self.W_pos = nn.Parameter(0.02 * torch.randn(config.n_ctx, config.d_model))
        self.hook_embed = HookPoint()
        self.hook_pos_embed = HookPoint()
        self.blocks = nn.ModuleList([TransformerBlock(config) for _ in range(config.n_layers)])
        self.ln_final = LayerNorm(config.d_model, config.ln_eps)
        self.W_U = nn.Parameter(0.02 * torch.randn(config.d_model, config.d_vocab))

    def forward(self, tokens):
        x = self.hook_embed(self.W_E[tokens])
        pos = einops.repeat(self.W_pos[: tokens.shape[1]], "pos d -> batch pos d", batch=tokens.shape[0])
        x = x + self.hook_pos_embed(pos)
        for i in range(len(self.blocks)):
            x = self.blocks[i](x)
        return einops.einsum(self.ln_final(x), self.W_U, "b p d, d v -> b p v")
