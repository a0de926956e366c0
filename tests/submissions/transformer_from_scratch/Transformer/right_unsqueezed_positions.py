import torch
import torch.nn as nn
import torch.nn.functional as F


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
        positions = torch.arange(tokens.shape[1], device=tokens.device).unsqueeze(0)
        token_vectors = self.hook_embed(F.embedding(tokens, self.W_E))
        x = token_vectors + self.hook_pos_embed(F.embedding(positions, self.W_pos))
        for block in self.blocks:
            x = block(x)
        return torch.einsum("bpm,mv->bpv", self.ln_final(x), self.W_U)
