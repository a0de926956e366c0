def embed(tokens, W_E, W_pos):
    if tokens.shape[1] > len(W_pos):
        raise IndexError("the sequence is too long")
    return W_E[tokens] + W_pos[: tokens.shape[1]]
