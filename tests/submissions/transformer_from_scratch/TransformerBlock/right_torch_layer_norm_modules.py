import torch.nn as nn


class TransformerBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln1 = nn.LayerNorm(config.d_model, eps=config.ln_eps)
        self.attn = Attention(config)
        self.ln2 = nn.LayerNorm(config.d_model, eps=config.ln_eps)
        self.mlp = MLP(config)

    def forward(self, x):
        middle = self.attn(self.ln1(x)) + x
        return self.mlp(self.ln2(middle)) + middle
