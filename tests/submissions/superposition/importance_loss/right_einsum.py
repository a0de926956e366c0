import torch


def importance_loss(x, x_hat, importance):
    error = (x_hat - x) ** 2
    if importance.ndim == 1:
        return torch.einsum("bif,f->i", error, importance) / len(x)
    return torch.einsum("bif,if->i", error, importance) / len(x)
