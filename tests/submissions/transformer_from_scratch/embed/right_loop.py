import torch


def embed(tokens, W_E, W_pos):
    out = torch.zeros(*tokens.shape, W_E.shape[1])
    for b in range(tokens.shape[0]):
        for p in range(tokens.shape[1]):
            out[b, p] = W_E[tokens[b, p]] + W_pos[p]
    return out
