import torch


def attention_pattern(q, k):
    batch, n, heads, d = q.shape
    a = q.transpose(1, 2).reshape(batch * heads, n, d)
    b = k.transpose(1, 2).reshape(batch * heads, n, d)
    scores = torch.bmm(a, b.mT).view(batch, heads, n, n).div(d**0.5)
    return scores.masked_fill(torch.ones(n, n, dtype=torch.bool).tril().logical_not(), -torch.inf).softmax(3)
