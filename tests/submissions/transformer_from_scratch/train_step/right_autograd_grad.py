import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    loss = -token_log_probs(model(tokens), tokens).mean()
    for p, g in zip(parameters, torch.autograd.grad(loss, parameters)):
        p.grad = g
    optimizer.step()
    return loss.item()
