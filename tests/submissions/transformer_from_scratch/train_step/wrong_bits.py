import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    loss = -token_log_probs(model(tokens), tokens).mean() / 0.6931471805599453
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
