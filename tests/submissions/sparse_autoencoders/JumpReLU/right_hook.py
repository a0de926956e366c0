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

    def jump(self, z, value, height):
        theta = self.threshold
        window = (z - theta).abs() < self.bandwidth / 2
        zero = theta * 0.0
        slope = torch.where(window, -height / self.bandwidth, torch.zeros_like(z)).detach()
        zero = zero.expand_as(z)
        carrier = (theta - theta.detach()).expand_as(z)
        return value + slope * carrier + zero

    def forward(self, z):
        return self.jump(z, z.masked_fill(z <= self.threshold, 0), self.threshold)

    def l0(self, z):
        step = self.jump(z, (z > self.threshold).type_as(z), torch.ones_like(self.threshold))
        return step.sum() / max(1, z.numel() // z.shape[-1])
