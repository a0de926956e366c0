import torch


def logit_difference(logits, correct, wrong):
    rows = torch.arange(len(logits))
    return (logits[rows, -1, correct] - logits[rows, -1, wrong]).mean().item()
