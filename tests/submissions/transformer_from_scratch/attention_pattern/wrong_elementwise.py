import torch


def attention_pattern(q, k):
    scores = torch.einsum("bqhd,bqhd->bhq", q, k) / q.shape[-1] ** 0.5
    n = q.shape[1]
    return scores[..., None].expand(-1, -1, -1, n).masked_fill(torch.ones(n, n).triu(1).bool(), -torch.inf).softmax(-1)
