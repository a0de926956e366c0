import torch


def importance_loss(x, x_hat, importance):
    return (importance * (x - x_hat) ** 2).sum(-1).mean(0)


def train_toy_model(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for step in range(steps):
        for g in opt.param_groups:
            g["lr"] = lr * (1 - step / steps)
        x = sample()
        loss = importance_loss(x, model(x), importance)
        opt.zero_grad()
        for one in loss:
            one.backward(retain_graph=True)
        opt.step()
        losses.append(loss.detach())
        if on_step:
            on_step(step, loss.detach())
    return torch.stack(losses)
