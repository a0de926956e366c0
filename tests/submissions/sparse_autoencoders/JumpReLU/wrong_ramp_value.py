import math

import torch
import torch.nn as nn


class JumpReLU(nn.Module):
    def __init__(self, d_sae, threshold=0.1, bandwidth=0.1):
        super().__init__()
        self.log_threshold = nn.Parameter(torch.full((d_sae,), math.log(threshold)))
        self.bandwidth = bandwidth

    @property
    def threshold(self):
        return self.log_threshold.exp()

    def forward(self, z):
        ramp = ((z.detach() - self.threshold) / self.bandwidth + 0.5).clamp(0, 1)
        return z * ramp

    def l0(self, z):
        return ((z.detach() - self.threshold) / self.bandwidth + 0.5).clamp(0, 1).sum(-1).mean()
