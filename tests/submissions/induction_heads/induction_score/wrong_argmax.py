import torch


def induction_score(pattern, tokens):
    wanted = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).roll(1, -1)
    best = torch.nn.functional.one_hot(pattern.argmax(-1), pattern.shape[-1])
    return (best * wanted[:, None]).sum((0, 2, 3)) / wanted.any(-1).sum().clamp(min=1)
