import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    loss = -token_log_probs(model(tokens), tokens)[0].mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
