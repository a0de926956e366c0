import torch.nn as nn


class TransformerBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln1 = LayerNorm(config.d_model, config.ln_eps)
        self.attn = Attention(config)
        self.ln2 = LayerNorm(config.d_model, config.ln_eps)
        self.mlp = MLP(config)

    def forward(self, x):
        return x + self.mlp(self.ln2(self.attn(self.ln1(x))))
