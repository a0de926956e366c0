def embed(tokens, W_E, W_pos):
    W_pos += 0.1
    return W_E[tokens] + W_pos[: tokens.shape[1]]
