def induction_score(pattern, tokens):
    p, t = pattern[:, :, 1:, 1:], tokens[:, 1:]
    w = (t[:, :, None] == t[:, None, :]).tril(-1).roll(1, -1)
    return (p * w[:, None]).sum((0, 2, 3)) / w.any(-1).sum().clamp(min=1)
