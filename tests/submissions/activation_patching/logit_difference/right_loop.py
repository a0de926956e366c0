def logit_difference(logits, correct, wrong):
    total = 0
    for i, (c, w) in enumerate(zip(correct, wrong)):
        total = total + logits[i, -1, c] - logits[i, -1, w]
    return total / len(correct)
