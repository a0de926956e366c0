def duplicate_token_score(pattern, tokens):
    same = (tokens[:, :, None] == tokens[:, None, :]).tril(-2)
    return (pattern * same[:, None]).sum((0, 2, 3)) / same.any(-1).sum().clamp(min=1)
