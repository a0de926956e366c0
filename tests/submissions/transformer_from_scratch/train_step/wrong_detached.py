import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    with torch.no_grad():
        loss = F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    loss.requires_grad_()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
