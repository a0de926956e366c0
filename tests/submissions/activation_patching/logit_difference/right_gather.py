def logit_difference(logits, correct, wrong):
    last = logits[:, -1, :]
    right = last.gather(1, correct.unsqueeze(1)).squeeze(1)
    other = last.gather(1, wrong.unsqueeze(1)).squeeze(1)
    return (right - other).mean()
