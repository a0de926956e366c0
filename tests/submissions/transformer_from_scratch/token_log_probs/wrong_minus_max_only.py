def token_log_probs(logits, tokens):
    return (logits - logits.amax(-1, keepdim=True))[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0]
