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
        x = self.hook_embed(self.W_E[tokens]) + self.hook_pos_embed(self.W_pos[: tokens.shape[1]])
        for block in self.blocks:
            x = block(x)
        return self.ln_final(x) @ self.W_U
