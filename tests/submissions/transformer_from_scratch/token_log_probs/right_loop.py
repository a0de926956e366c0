import torch


def token_log_probs(logits, tokens):
    out = torch.zeros(tokens.shape[0], tokens.shape[1] - 1)
    for b in range(tokens.shape[0]):
        for i in range(tokens.shape[1] - 1):
            out[b, i] = logits[b, i].log_softmax(0)[tokens[b, i + 1]]
    return out
