def logit_difference(logits, correct, wrong):
    last = logits[:, -1]
    return last[:, correct].diag().mean() - last[:, wrong].diag().mean()
