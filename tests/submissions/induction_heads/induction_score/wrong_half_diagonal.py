def induction_score(pattern, tokens):
    period = (tokens.shape[1] - 1) // 2
    return pattern.diagonal(1 - period, -2, -1).mean((0, 2))
