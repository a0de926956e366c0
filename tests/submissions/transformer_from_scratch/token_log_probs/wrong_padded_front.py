import torch.nn.functional as F


def token_log_probs(logits, tokens):
    return F.pad(logits.log_softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0], (1, 0))
