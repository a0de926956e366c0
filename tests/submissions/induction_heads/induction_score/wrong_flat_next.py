import torch


def induction_score(pattern, tokens):
    n = tokens.shape[1]
    tot = torch.zeros(pattern.shape[1]); c = 0
    for b in range(len(tokens)):
        last = {}
        for i, t in enumerate(tokens[b].tolist()):
            if t in last:
                tot += pattern[b, :, i, last[t] + 1]; c += 1
            last[t] = i
    return tot / max(c, 1)
