import torch


def token_log_probs(logits, tokens):
    picked = torch.take_along_dim(logits[:, :-1], tokens[:, 1:, None], dim=2)[..., 0]
    return picked - logits[:, :-1].logsumexp(-1)
