import torch


def expected_losses(sparsity, importance):
    p = 1 - sparsity
    g = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    small = torch.minimum(g[:, None], g[None, :]).pow(2).mean()
    guess = p * (g - p / 2).pow(2).mean() + sparsity * (p / 2) ** 2
    return {"dedicated": float(importance * guess), "antipodal": float((1 + importance) * p * p * small)}
