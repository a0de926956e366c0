import torch


def induction_score(pattern, tokens):
    batch, heads, n, _ = pattern.shape
    total, count = torch.zeros(heads), 0
    for b in range(batch):
        for i in range(n):
            keys = [j + 1 for j in range(i) if tokens[b, j] == tokens[b, i]]
            if keys:
                count += 1
                for k in keys:
                    total += pattern[b, :, i, k]
    return total / max(count, 1)
