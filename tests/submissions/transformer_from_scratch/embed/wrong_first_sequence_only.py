def embed(tokens, W_E, W_pos):
    return (W_E[tokens[0]] + W_pos[: tokens.shape[1]]).expand(tokens.shape[0], -1, -1)
