def induction_score(pattern, tokens):
    wanted = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).roll(1, -1)
    got = (pattern * wanted[:, None]).sum(-1)
    norm = pattern.tril(-1).sum(-1).clamp(min=1e-9)
    return (got / norm).sum((0, 2)) / wanted.any(-1).sum().clamp(min=1)
