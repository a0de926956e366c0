def token_log_probs(logits, tokens):
    return logits.log_softmax(-1)[:, :-1].max(-1).values
