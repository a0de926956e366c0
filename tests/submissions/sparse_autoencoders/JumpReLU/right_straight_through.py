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

    def rectangle(self, u):
        return ((u > -0.5) & (u < 0.5)).float()

    def forward(self, z):
        theta = self.threshold
        exact = z * (z > theta).float()
        surrogate = -(theta.detach() / self.bandwidth) * self.rectangle((z - theta).detach() / self.bandwidth) * theta
        return exact + surrogate - surrogate.detach()

    def l0(self, z):
        theta = self.threshold
        exact = (z > theta).float()
        surrogate = -self.rectangle((z - theta).detach() / self.bandwidth) * theta / self.bandwidth
        return (exact + (surrogate - surrogate.detach())).sum(-1).mean()
