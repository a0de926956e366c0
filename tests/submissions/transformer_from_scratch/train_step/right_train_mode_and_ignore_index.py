import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    model.train()
    targets = torch.cat([tokens[:, 1:], torch.full_like(tokens[:, :1], -100)], dim=1)
    with torch.enable_grad():
        loss = F.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
    optimizer.step()
    return loss.item()
