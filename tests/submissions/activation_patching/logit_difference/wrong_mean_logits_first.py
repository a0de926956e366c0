import torch


def logit_difference(logits, correct, wrong):
    mean = logits[:, -1].mean(0)
    return mean[correct].mean() - mean[wrong].mean()
