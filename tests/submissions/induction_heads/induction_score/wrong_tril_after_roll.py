def induction_score(pattern, tokens):
    wanted = (tokens[:, :, None] == tokens[:, None, :]).roll(1, -1).tril(-1)
    return (pattern * wanted[:, None]).sum((0, 2, 3)) / wanted.any(-1).sum().clamp(min=1)
