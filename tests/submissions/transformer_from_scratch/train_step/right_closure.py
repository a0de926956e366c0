import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    def closure():
        optimizer.zero_grad()
        loss = -token_log_probs(model(tokens), tokens).mean()
        loss.backward()
        return loss

    return optimizer.step(closure).item()
