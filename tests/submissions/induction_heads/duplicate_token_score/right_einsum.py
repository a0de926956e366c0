import torch


def duplicate_token_score(pattern, tokens):
    same = (tokens.unsqueeze(1) == tokens.unsqueeze(2)).float()
    same = torch.tril(same, -1)
    has = same.sum(-1).gt(0)
    per_head = torch.einsum("bhqk,bqk->h", pattern, same)
    return torch.nan_to_num(per_head / has.sum())
