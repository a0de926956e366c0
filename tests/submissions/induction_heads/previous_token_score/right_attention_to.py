import torch


def previous_token_score(pattern):
    n = pattern.shape[-1]
    wanted = torch.diag(torch.ones(n - 1), -1).bool().expand(len(pattern), n, n)
    return attention_to(pattern, wanted)
