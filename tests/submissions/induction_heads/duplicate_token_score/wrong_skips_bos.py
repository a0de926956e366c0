def duplicate_token_score(pattern, tokens):
    pattern, tokens = pattern[:, :, 1:, 1:], tokens[:, 1:]
    same = (tokens[:, :, None] == tokens[:, None, :]).tril(-1)
    return (pattern * same[:, None]).sum((0, 2, 3)) / same.any(-1).sum().clamp(min=1)
