import math


def embed(tokens, W_E, W_pos):
    return W_E[tokens] * math.sqrt(W_E.shape[1]) + W_pos[: tokens.shape[1]]
