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
        theta = self.threshold
        k = torch.exp(-0.5 * ((z - theta) / self.bandwidth) ** 2).detach() / math.sqrt(2 * math.pi)
        return z * (z > theta) - theta.detach() / self.bandwidth * k * (theta - theta.detach())

    def l0(self, z):
        theta = self.threshold
        k = torch.exp(-0.5 * ((z - theta) / self.bandwidth) ** 2).detach() / math.sqrt(2 * math.pi)
        return ((z > theta) - k / self.bandwidth * (theta - theta.detach())).sum(-1).mean()
