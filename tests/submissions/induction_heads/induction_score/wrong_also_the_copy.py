def induction_score(pattern, tokens):
    copies = (tokens[:, :, None] == tokens[:, None, :]).tril(-1)
    wanted = copies.roll(1, -1) | copies
    return (pattern * wanted[:, None]).sum((0, 2, 3)) / wanted.any(-1).sum().clamp(min=1)
