import torch


def importance_loss(x, x_hat, importance):
    return (importance * (x - x_hat) ** 2).sum(-1).mean(0)


def train_toy_model(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    params = list(model.parameters())
    opt = torch.optim.Adam(params, lr=lr)
    out = None
    for step in range(steps):
        opt.param_groups[0]["lr"] = lr * (steps - step) / steps
        x = sample()
        loss = importance_loss(x, model(x), importance)
        for p, g in zip(params, torch.autograd.grad(loss.sum(), params)):
            p.grad = g
        opt.step()
        with torch.no_grad():
            if out is None:
                out = torch.zeros(steps, len(loss), dtype=loss.dtype)
            out[step] = loss
        if on_step is not None:
            on_step(step, out[step].clone())
    return out
