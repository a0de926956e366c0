def induction_score(pattern, tokens):
    w = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).roll(1, -1).tril(-1)
    q = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).any(-1)
    return (pattern * w[:, None]).sum((0, 2, 3)) / q.sum().clamp(min=1)
