import torch


def logit_difference(logits, correct, wrong):
    rows = torch.arange(len(logits))
    log_probs = logits.softmax(-1).log()
    return (log_probs[rows, -1, correct] - log_probs[rows, -1, wrong]).mean()
