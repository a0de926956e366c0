import math

import torch
import torch.nn as nn


class Jump(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, theta, eps):
        ctx.save_for_backward(z, theta)
        ctx.eps = eps
        return torch.where(z > theta, z, torch.zeros_like(z))

    @staticmethod
    def backward(ctx, grad):
        z, theta = ctx.saved_tensors
        k = (((z - theta) / ctx.eps).abs() <= 0.5).to(grad.dtype)
        return grad * (z > theta), (-(theta / ctx.eps) * k * grad).reshape(-1, len(theta)).sum(0), None


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, theta, eps):
        ctx.save_for_backward(z, theta)
        ctx.eps = eps
        return (z > theta).to(z.dtype)

    @staticmethod
    def backward(ctx, grad):
        z, theta = ctx.saved_tensors
        k = (((z - theta) / ctx.eps).abs() <= 0.5).to(grad.dtype)
        return k / ctx.eps * grad, (-k / ctx.eps * grad).reshape(-1, len(theta)).sum(0), None


class JumpReLU(nn.Module):
    def __init__(self, d_sae, threshold=0.1, bandwidth=0.1):
        super().__init__()
        self.log_threshold = nn.Parameter(torch.full((d_sae,), math.log(threshold)))
        self.bandwidth = bandwidth

    @property
    def threshold(self):
        return self.log_threshold.exp()

    def forward(self, z):
        return Jump.apply(z, self.threshold, self.bandwidth)

    def l0(self, z):
        return Step.apply(z, self.threshold, self.bandwidth).sum(-1).mean()
