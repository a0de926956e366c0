import torch


def expected_losses(sparsity, importance):
    x = torch.rand(2000, 2) * (torch.rand(2000, 2) >= sparsity)
    h = x[:, :1] - x[:, 1:]
    out = torch.cat([h, -h], 1).relu()
    w = torch.tensor([1.0, importance])
    pair = (w * (x - out) ** 2).sum(1).mean().item()
    own = importance * x[:, 1].var().item()
    return {"dedicated": own, "antipodal": pair}
