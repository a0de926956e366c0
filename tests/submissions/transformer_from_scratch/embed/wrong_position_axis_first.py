def embed(tokens, W_E, W_pos):
    n = tokens.shape[1]
    return (W_E[tokens] + W_pos[:n]).transpose(0, 1)
