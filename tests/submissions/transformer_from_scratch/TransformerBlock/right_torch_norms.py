import torch.nn as nn
import torch.nn.functional as F


class TransformerBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln1 = LayerNorm(config.d_model, config.ln_eps)
        self.attn = Attention(config)
        self.ln2 = LayerNorm(config.d_model, config.ln_eps)
        self.mlp = MLP(config)

    def forward(self, x):
        def norm(layer, y):
            return F.layer_norm(y, y.shape[-1:], layer.weight, layer.bias, layer.eps)

        x = x + self.attn(norm(self.ln1, x))
        return x + self.mlp(norm(self.ln2, x))
