def previous_token_score(pattern):
    d = pattern.diagonal(-1, -2, -1)
    return (d.sum((0, 2)) / (d > 0).sum((0, 2)).clamp(min=1))
