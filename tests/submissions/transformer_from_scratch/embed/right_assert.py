import einops


def embed(tokens, W_E, W_pos):
    batch, n = tokens.shape
    assert n <= W_pos.shape[0], "too long"
    token_part = W_E.index_select(0, tokens.flatten()).reshape(batch, n, -1)
    return token_part + einops.repeat(W_pos[:n], "pos d -> batch pos d", batch=batch)
