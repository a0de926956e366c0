import torch


def previous_token_score(pattern):
    batch, heads, n, _ = pattern.shape
    out = torch.zeros(heads)
    for h in range(heads):
        for b in range(batch):
            for q in range(1, n):
                out[h] += pattern[b, h, q, q - 1]
    return out / (batch * (n - 1))
