def previous_token_score(pattern):
    b, h, n, _ = pattern.shape
    d = pattern.diagonal(-1, -2, -1).reshape(h, b, n - 1)
    return d.mean((1, 2))
