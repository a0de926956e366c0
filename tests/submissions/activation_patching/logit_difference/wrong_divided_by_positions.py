import torch


def logit_difference(logits, correct, wrong):
    r = range(len(logits))
    return (logits[r, -1, correct] - logits[r, -1, wrong]).sum() / logits.shape[1]
