import torch


def duplicate_token_score(pattern, tokens):
    same = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).float()
    count = same.sum(-1)
    attention = (pattern * same[:, None]).sum(-1)
    return (attention * count[:, None]).sum((0, 2)) / count.sum().clamp(min=1)
