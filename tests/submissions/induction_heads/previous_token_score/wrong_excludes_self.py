def previous_token_score(pattern):
    p = pattern - pattern * __import__("torch").eye(pattern.shape[-1])
    p = p / p.sum(-1, keepdim=True).clamp(min=1e-9)
    return p.diagonal(-1, -2, -1).mean((0, 2))
