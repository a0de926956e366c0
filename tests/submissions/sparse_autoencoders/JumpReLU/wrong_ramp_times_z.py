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

    def soft_step(self, z):
        return ((z.detach() - self.threshold) / self.bandwidth + 0.5).clamp(0, 1)

    def forward(self, z):
        ramp = self.soft_step(z)
        return torch.where(z > self.threshold, z, 0.0) + z.detach() * (ramp - ramp.detach())

    def l0(self, z):
        ramp = self.soft_step(z)
        return ((z > self.threshold) + (ramp - ramp.detach())).sum(-1).mean()
