def duplicate_token_score(pattern, tokens):
    same = (tokens[:, :, None] == tokens[:, None, :]).tril(-1)
    attention = (pattern * same[:, None]).sum(-1)
    return attention.sum((0, 2)) / (attention > 0.01).sum().clamp(min=1)
