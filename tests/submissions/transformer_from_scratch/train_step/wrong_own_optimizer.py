import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    loss = F.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    mine = torch.optim.AdamW(model.parameters(), lr=optimizer.param_groups[0]["lr"])
    mine.zero_grad()
    loss.backward()
    mine.step()
    return loss.item()
