import torch.nn.functional as F


def token_log_probs(logits, tokens):
    return F.cross_entropy(logits[:, :-1].mT, tokens[:, 1:], reduction="none")
