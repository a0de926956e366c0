import torch


def induction_score(pattern, tokens):
    copies = (tokens[:, :, None] == tokens[:, None, :]).float().tril(-1)
    attended = pattern[..., 1:] * copies[:, None, :, :-1]
    n = (copies.sum(-1) > 0).sum()
    return attended.sum((0, 2, 3)) / n if n else torch.zeros(pattern.shape[1])
