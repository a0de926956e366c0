def token_log_probs(logits, tokens):
    log_probs = logits - logits.exp().sum(-1, keepdim=True).log()
    return log_probs[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
