def embed(tokens, W_E, W_pos):
    n = min(tokens.shape[1], W_pos.shape[0])
    return W_E[tokens[:, :n]] + W_pos[:n]
