def previous_token_score(pattern):
    return pattern.roll(1, dims=-1).diagonal(dim1=-2, dim2=-1).mean((0, 2))
