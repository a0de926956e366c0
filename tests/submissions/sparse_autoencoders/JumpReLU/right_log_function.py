class _Pseudo(torch.autograd.Function):
    """1[z > exp(log_theta)] (expanded); derivative by log_theta = -(theta/eps) K; zeros by z."""

    @staticmethod
    def forward(ctx, z, log_theta, eps):
        theta = log_theta.exp()
        d = z - theta
        ctx.save_for_backward((d.abs() <= eps / 2) * (-theta / eps))
        ctx.lead = z.ndim - 1
        return (d > 0).to(z.dtype)

    @staticmethod
    def backward(ctx, g):
        (s,) = ctx.saved_tensors
        gt = g * s
        for _ in range(ctx.lead):
            gt = gt.sum(0)
        return torch.zeros_like(g), gt, None


class JumpReLU(nn.Module):
    def __init__(self, d_sae, threshold=0.1, bandwidth=0.1):
        super().__init__()
        self.log_threshold = nn.Parameter(torch.full((d_sae,), math.log(threshold)))
        self.bandwidth = bandwidth

    @property
    def threshold(self):
        return self.log_threshold.exp()

    def forward(self, z):
        h = _Pseudo.apply(z, self.log_threshold, self.bandwidth)
        theta = self.threshold.detach()
        return z * h.detach() + theta * (h - h.detach())

    def l0(self, z):
        return _Pseudo.apply(z, self.log_threshold, self.bandwidth).sum() / (z.numel() / z.shape[-1])
