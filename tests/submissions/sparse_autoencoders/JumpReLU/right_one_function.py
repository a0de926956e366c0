import math

import torch
import torch.nn as nn


class Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, log_theta, eps):
        theta = log_theta.exp()
        on = (z > theta).to(z.dtype)
        ctx.save_for_backward(on, theta, ((z - theta).abs() <= eps / 2).to(z.dtype))
        ctx.eps = eps
        return z * on, on

    @staticmethod
    def backward(ctx, grad_value, grad_step):
        on, theta, window = ctx.saved_tensors
        to_theta = -(grad_value * theta + grad_step) * window / ctx.eps
        while to_theta.ndim > 1:
            to_theta = to_theta.sum(0)
        return grad_value * on, to_theta * theta, None


class JumpReLU(nn.Module):
    def __init__(self, d_sae, threshold=0.1, bandwidth=0.1):
        super().__init__()
        self.log_threshold = nn.Parameter(torch.full((d_sae,), math.log(threshold)))
        self.bandwidth = bandwidth

    @property
    def threshold(self):
        return self.log_threshold.exp()

    def forward(self, z):
        return Gate.apply(z, self.log_threshold, self.bandwidth)[0]

    def l0(self, z):
        return Gate.apply(z, self.log_threshold, self.bandwidth)[1].sum(-1).mean()
