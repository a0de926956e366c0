import torch


def attention_pattern(q, k):
    batch, n, heads, d = q.shape
    q, k = q.reshape(batch, heads, n, d), k.reshape(batch, heads, n, d)
    scores = q @ k.mT / d**0.5
    return scores.masked_fill(torch.ones(n, n).triu(1).bool(), -torch.inf).softmax(-1)
