import torch


def duplicate_token_score(pattern, tokens):
    n = tokens.shape[1]
    i = torch.arange(n)
    same = (tokens[:, :, None] == tokens[:, None, :]) & (i[:, None] > i[None, :])
    has = same.any(-1)
    if not has.any():
        return torch.zeros(pattern.shape[1])
    attention = (pattern * same[:, None]).sum(-1).transpose(1, 2)  # batch, query, head
    return attention[has].mean(0)
