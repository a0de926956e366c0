def duplicate_token_score(pattern, tokens):
    same = (tokens[:, :, None] == tokens.roll(1, 0)[:, None, :]).tril(-1)
    return (pattern * same[:, None]).sum((0, 2, 3)) / same.any(-1).sum().clamp(min=1)
