def token_log_probs(logits, tokens):
    return (logits.softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0] + 1e-10).log()
