def induction_score(pattern, tokens):
    wanted = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).roll(1)
    return (pattern * wanted[:, None]).sum((0, 2, 3)) / wanted.any(-1).sum().clamp(min=1)
