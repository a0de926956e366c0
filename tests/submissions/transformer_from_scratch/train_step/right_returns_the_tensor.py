import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    optimizer.zero_grad(set_to_none=False)
    logits = model(tokens)[:, :-1].transpose(1, 2)
    loss = F.cross_entropy(logits, tokens[:, 1:])
    loss.backward()
    optimizer.step()
    return loss
