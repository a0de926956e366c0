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
        window = ((z - theta).abs() <= self.bandwidth / 2).float()
        term = theta / self.bandwidth * window * theta
        return z * (z > theta) - (term - term.detach())

    def l0(self, z):
        theta = self.threshold
        window = ((z - theta).abs() <= self.bandwidth / 2).float()
        return ((z > theta) - window / self.bandwidth * (theta - theta.detach())).sum(-1).mean()
