import torch


def train_toy_model(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    params = list(model.parameters())
    m = [torch.zeros_like(p) for p in params]
    v = [torch.zeros_like(p) for p in params]
    history = []
    for s in range(steps):
        x = sample()
        loss = (importance * (x - model(x)) ** 2).sum(-1).mean(0)
        grads = torch.autograd.grad(loss.sum(), params)
        with torch.no_grad():
            for i, (p, g) in enumerate(zip(params, grads)):
                m[i] = 0.9 * m[i] + 0.1 * g
                v[i] = 0.999 * v[i] + 0.001 * g * g
                mh, vh = m[i] / (1 - 0.9 ** (s + 1)), v[i] / (1 - 0.999 ** (s + 1))
                p -= lr * (1 - s / steps) * mh / (vh.sqrt() + 1e-8)
        history.append(loss.detach())
        if on_step is not None:
            on_step(s, loss.detach())
    return torch.stack(history)
