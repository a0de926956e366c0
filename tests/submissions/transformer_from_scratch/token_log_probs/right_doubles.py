def token_log_probs(logits, tokens):
    exact = logits.double().log_softmax(-1)[:, :-1]
    return exact.gather(-1, tokens[:, 1:, None]).squeeze(-1).to(logits.dtype)
