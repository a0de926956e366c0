import torch


def token_log_probs(logits, tokens):
    return torch.distributions.Categorical(logits=logits[:, :-1]).log_prob(tokens[:, 1:])
