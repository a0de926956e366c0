import torch


def duplicate_token_score(pattern, tokens):
    batch, heads, n, _ = pattern.shape
    total, count = torch.zeros(heads), 0
    for b in range(batch):
        for q in range(n):
            keys = [k for k in range(q) if tokens[b, k] == tokens[b, q]]
            if keys:
                count += 1
                total += pattern[b, :, q, keys].sum(-1)
    return total / count if count else total
