class JumpReLU(nn.Module):
    def __init__(self, d_sae, threshold=0.1, bandwidth=0.1):
        super().__init__()
        self.log_threshold = nn.Parameter(torch.full((d_sae,), math.log(threshold)))
        self.bandwidth = bandwidth

    @property
    def threshold(self):
        return self.log_threshold.exp()

    def _K(self, z):
        return (((z - self.threshold) / self.bandwidth).abs() <= 0.5).to(z.dtype).detach()

    def forward(self, z):
        theta = self.threshold
        t = theta.detach()
        step = (z > t).to(z.dtype)
        slope = -(t / self.bandwidth) * self._K(z)
        return z * step + slope.detach() * (self.log_threshold - self.log_threshold.detach())

    def l0(self, z):
        z = z.detach()
        theta = self.threshold
        t = theta.detach()
        step = (z > t).to(z.dtype)
        slope = -(1 / self.bandwidth) * self._K(z)
        return (step + slope * (theta - t)).sum(-1).mean()
