import torch


def logit_difference(logits, correct, wrong):
    log_probs = torch.log_softmax(logits[:, -1], dim=-1)
    rows = range(len(logits))
    return (log_probs[rows, correct] - log_probs[rows, wrong]).mean()
