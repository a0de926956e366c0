import torch


def duplicate_token_score(pattern, tokens):
    one_hot = torch.nn.functional.one_hot(tokens).float()
    same = one_hot @ one_hot.mT
    has = (same.sum(-1) > 1).float()
    attention = (pattern * same[:, None].tril(-1)).sum(-1)
    return (attention * has[:, None]).sum((0, 2)) / has.sum().clamp(min=1)
