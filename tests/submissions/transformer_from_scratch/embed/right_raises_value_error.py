import torch


def embed(tokens, W_E, W_pos):
    if tokens.shape[1] > len(W_pos):
        raise ValueError(f"sequence of {tokens.shape[1]} tokens is longer than n_ctx = {len(W_pos)}")
    x = torch.gather(W_E, 0, tokens.reshape(-1, 1).expand(-1, W_E.shape[1]))
    return x.view(*tokens.shape, -1).add(W_pos[None, : tokens.shape[1], :])
