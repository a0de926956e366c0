def previous_token_score(pattern):
    return pattern.diagonal(-1, -2, -1).sum((0, 2)) / (pattern.shape[-1] - 1)
