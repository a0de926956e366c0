import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    loss = F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return loss.item()
