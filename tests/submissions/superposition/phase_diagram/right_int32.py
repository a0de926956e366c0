import torch


def phase_diagram(W, losses, feature=-1):
    R, rows, cols, hidden, n = W.shape
    flat = W.reshape(R, rows * cols, hidden, n)
    best = losses.reshape(R, -1).min(0).indices
    M = torch.stack([flat[b, k] for k, b in enumerate(best.tolist())])
    keep = [j for j in range(n) if j != feature % n]
    wi, others = M[:, :, feature], M[:, :, keep]
    length = wi.norm(dim=1)
    unit = wi / length.clamp(min=1e-9)[:, None]
    shared = ((unit[:, :, None] * others).sum(1) ** 2).sum(1)
    learned = (length > 0.5).int()
    return (learned * (1 + (shared > 0.25).int())).reshape(rows, cols)
