import torch


def attention_pattern(q, k):
    q, k = q.permute(0, 2, 1, 3), k.permute(0, 2, 3, 1)
    scores = q @ k / q.shape[-1] ** 0.5
    rows, columns = torch.triu_indices(*scores.shape[-2:], offset=1)
    scores[..., rows, columns] = -torch.inf
    return scores.softmax(-1)
