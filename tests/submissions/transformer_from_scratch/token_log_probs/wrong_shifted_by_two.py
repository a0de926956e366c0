import torch.nn.functional as F


def token_log_probs(logits, tokens):
    picked = logits.log_softmax(-1)[:, :-2].gather(-1, tokens[:, 2:, None])[..., 0]
    return F.pad(picked, (0, 1))
