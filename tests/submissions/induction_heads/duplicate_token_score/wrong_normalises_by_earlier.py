def duplicate_token_score(pattern, tokens):
    same = (tokens[:, :, None] == tokens[:, None, :]).tril(-1)
    e = pattern.tril(-1).sum(-1).clamp(min=1e-9)
    return ((pattern * same[:, None]).sum(-1) / e).sum((0, 2)) / same.any(-1).sum().clamp(min=1)
