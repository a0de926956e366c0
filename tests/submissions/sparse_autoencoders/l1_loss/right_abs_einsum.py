import torch


def l1_loss(x, x_hat, f, W_dec, coefficient):
    lengths = torch.linalg.vector_norm(W_dec, dim=-1)
    sparsity = torch.einsum("bi,i->b", f.abs(), lengths)
    per_input = torch.sum((x - x_hat).square(), -1) + coefficient * sparsity
    return per_input.mean()
