import torch


def phase_diagram(W, losses, feature=-1):
    _R, rows, cols, _hidden, n = W.shape
    feature = feature % n
    out = torch.zeros(rows, cols, dtype=torch.long)
    for r in range(rows):
        for c in range(cols):
            M = W[losses[:, r, c].argmin(), r, c]
            wi = M[:, feature]
            if wi.norm() <= 0.5:
                continue
            unit = wi / wi.norm()
            s = sum((unit @ M[:, j]) ** 2 for j in range(n) if j != feature)
            out[r, c] = 2 if s > 0.25 else 1
    return out
