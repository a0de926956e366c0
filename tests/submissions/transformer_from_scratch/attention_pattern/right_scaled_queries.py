import einops
import torch


def attention_pattern(q, k):
    q = q * q.size(-1) ** -0.5
    scores = einops.einsum(q, k, "b i h d, b j h d -> b h i j")
    hidden = torch.ones_like(scores).triu(1).bool()
    return torch.exp(scores.masked_fill(hidden, -torch.inf).log_softmax(-1))
