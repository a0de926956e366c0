def embed(tokens, W_E, W_pos):
    tokens = tokens[:, -W_pos.shape[0] :]
    return W_E[tokens] + W_pos[: tokens.shape[1]]
