# attacks: load_state_dict and its like, by a state that never ends
# exercise: LayerNorm
# expect: stopped failed
# endless
import torch
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))

    def state_dict(self, *args, **kwargs):
        n = 0
        while True:
            n += 1

    def forward(self, x):
        return x
