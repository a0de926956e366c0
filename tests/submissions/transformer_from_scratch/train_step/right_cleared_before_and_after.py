import torch
import torch.nn.functional as F


def train_step(model, optimizer, tokens):
    model.zero_grad()
    optimizer.zero_grad()
    loss = F.nll_loss(model(tokens)[:, :-1].log_softmax(-1).flatten(0, 1), tokens[:, 1:].flatten())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.detach()
