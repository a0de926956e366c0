import torch


def logit_difference(logits, correct, wrong):
    rows = torch.arange(len(logits))
    last = logits[:, -1] / logits[:, -1].std(-1, keepdim=True)
    return (last[rows, correct] - last[rows, wrong]).mean()
