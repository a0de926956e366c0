import torch


def induction_score(pattern, tokens):
    before = torch.cat([torch.full_like(tokens[:, :1], -1), tokens[:, :-1]], dim=1)
    wanted = (tokens[:, :, None] == before[:, None, :]).tril(0)
    has = wanted.any(-1)
    if has.sum() == 0:
        return torch.zeros(pattern.shape[1])
    return torch.einsum("bhqk,bqk->h", pattern, wanted.float()) / has.sum()
