import torch


def logit_difference(logits, correct, wrong):
    return (logits[-1, :, correct] - logits[-1, :, wrong]).mean()
