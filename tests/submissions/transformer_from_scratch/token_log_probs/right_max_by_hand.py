import einops


def token_log_probs(logits, tokens):
    logits = logits - logits.max(dim=-1, keepdim=True).values
    log_probs = logits - logits.exp().sum(-1, keepdim=True).log()
    return einops.rearrange(log_probs[:, :-1].gather(2, tokens[:, 1:, None]), "b p 1 -> b p")
