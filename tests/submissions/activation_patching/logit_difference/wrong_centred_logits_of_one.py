import torch


def logit_difference(logits, correct, wrong):
    last = logits[:, -1] - logits[:, -1].mean(-1, keepdim=True)
    r = range(len(logits))
    return (last[r, correct] - logits[r, -1, wrong]).mean()
