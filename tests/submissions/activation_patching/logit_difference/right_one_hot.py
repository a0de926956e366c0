import torch.nn.functional as F


def logit_difference(logits, correct, wrong):
    n = logits.shape[-1]
    direction = F.one_hot(correct, n) - F.one_hot(wrong, n)
    return (logits[:, -1] * direction).sum(-1).mean()
