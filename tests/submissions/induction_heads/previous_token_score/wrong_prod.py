def previous_token_score(pattern):
    return pattern.diagonal(-1, -2, -1).mean(-1).prod(0)
