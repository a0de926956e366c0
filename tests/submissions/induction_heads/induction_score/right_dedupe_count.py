def induction_score(pattern, tokens):
    w = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).roll(1, -1)
    return (pattern * w[:, None]).sum((0, 2, 3)) / w.any(1).sum().clamp(min=1)
