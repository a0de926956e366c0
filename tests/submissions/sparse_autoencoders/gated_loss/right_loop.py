import torch.nn.functional as F


def gated_loss(sae, x, coefficient):
    W, b = sae.W_dec.data, sae.b_dec.data
    total = 0
    for row in x:
        opened = F.relu(sae.gate(row[None]))[0]
        x_hat = sae(row[None])[0]
        total = total + (row - x_hat).dot(row - x_hat)
        total = total + coefficient * opened.sum()
        left = row - (opened @ W + b)
        total = total + left.dot(left)
    return total / x.shape[0]
