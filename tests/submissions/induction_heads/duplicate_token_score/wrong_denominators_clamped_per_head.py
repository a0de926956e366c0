def duplicate_token_score(pattern, tokens):
    same = (tokens[:, :, None] == tokens[:, None, :]).tril(-1)
    return (pattern * same[:, None]).sum((0, 2, 3)) / (same.any(-1).sum() * pattern.shape[1]).clamp(min=1)
