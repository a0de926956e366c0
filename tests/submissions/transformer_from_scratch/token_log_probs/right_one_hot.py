import torch
import torch.nn.functional as F


def token_log_probs(logits, tokens):
    log_probs = torch.log_softmax(logits, -1)[:, :-1]
    return (log_probs * F.one_hot(tokens[:, 1:], logits.shape[-1])).sum(-1)
