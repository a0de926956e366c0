import torch


def induction_score(pattern, tokens):
    same = (tokens[:, :, None] == tokens[:, None, :]).tril(-1)
    nxt = torch.zeros_like(same)
    nxt[:, :-1, :-1] = same[:, 1:, 1:]
    w = (same & nxt).roll(1, -1)
    return (pattern * w[:, None]).sum((0, 2, 3)) / w.any(-1).sum().clamp(min=1)
