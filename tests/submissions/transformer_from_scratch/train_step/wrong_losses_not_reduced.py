import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    losses = -token_log_probs(model(tokens), tokens)
    loss = losses.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return losses
