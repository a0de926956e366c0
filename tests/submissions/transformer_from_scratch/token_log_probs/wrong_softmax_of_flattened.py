def token_log_probs(logits, tokens):
    return logits.flatten(1).log_softmax(-1).view_as(logits)[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
