import torch


def logit_difference(logits, correct, wrong):
    rows = torch.arange(len(logits))
    probs = logits[:, -1].softmax(-1)
    return (probs[rows, correct].mean() / probs[rows, wrong].mean()).log()
