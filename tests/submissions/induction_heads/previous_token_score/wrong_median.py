def previous_token_score(pattern):
    return pattern.diagonal(-1, -2, -1).flatten(2).transpose(0, 1).flatten(1).median(1).values
