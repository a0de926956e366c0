import torch
import torch.nn.functional as F


def token_log_probs(logits, tokens):
    log_probs = F.log_softmax(logits, dim=2)
    batch = torch.arange(tokens.shape[0])[:, None]
    position = torch.arange(tokens.shape[1] - 1)[None]
    return log_probs[batch, position, tokens[:, 1:]]
