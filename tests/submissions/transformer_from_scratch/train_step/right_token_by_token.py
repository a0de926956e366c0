import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    logits = model(tokens)
    batch, pos = tokens.shape
    total = 0
    for b in range(batch):
        for p in range(pos - 1):
            total = total - torch.log_softmax(logits[b, p], 0)[tokens[b, p + 1]]
    loss = total / (batch * (pos - 1))
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None
    loss.backward()
    optimizer.step()
    return float(loss)
