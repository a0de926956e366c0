def induction_score(pattern, tokens):
    wanted = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).roll(1, -1)
    return (pattern * wanted[:, None]).sum((0, 2, 3)) / (tokens.shape[0] * (tokens.shape[1] - 1))
