import torch


def attention_pattern(q, k):
    batch, n, heads, d = q.shape
    out = torch.zeros(batch, heads, n, n)
    for b in range(batch):
        for h in range(heads):
            for i in range(n):
                scores = torch.stack([q[b, i, h] @ k[b, j, h] for j in range(i + 1)]) / d**0.5
                out[b, h, i, : i + 1] = scores.softmax(0)
    return out
