def previous_token_score(pattern):
    return (pattern.diagonal(-1, -2, -1) > 0.5).float().mean((0, 2))
