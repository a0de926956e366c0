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
        window = (z - theta).abs() <= self.bandwidth / 2
        with torch.no_grad():
            z[z <= theta] = 0
        return z * (z > theta) + theta.detach() / self.bandwidth * window * (theta.detach() - theta)

    def l0(self, z):
        theta = self.threshold
        window = (z - theta).abs() <= self.bandwidth / 2
        return ((z > theta) + window / self.bandwidth * (theta.detach() - theta)).sum(-1).mean()
