import torch


def importance_loss(x, x_hat, importance):
    out = []
    for i in range(x.shape[1]):
        w = importance if importance.dim() == 1 else importance[i]
        out.append(((x[:, i] - x_hat[:, i]).square() @ w).mean())
    return torch.stack(out)
