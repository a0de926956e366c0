import torch
import torch.nn.functional as F


def l0(f):
    return (f != 0).sum(dim=-1).float().mean()


def explained_variance(x, x_hat):
    return 1 - (x - x_hat).pow(2).sum() / (x - x.mean(dim=0)).pow(2).sum()


@torch.no_grad()
def normalise_decoder(sae):
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True)


@torch.no_grad()
def remove_parallel_gradient(sae):
    if sae.W_dec.grad is None:
        return
    unit = F.normalize(sae.W_dec, dim=-1)
    sae.W_dec.grad -= (sae.W_dec.grad * unit).sum(dim=-1, keepdim=True) * unit


def train_sae(state, batch_at, objective, until, unit_decoder=True, logger=None, log_every=50, dead_after=200):
    for s in range(state.step, until):
        x = batch_at(s)
        state.sae.zero_grad(set_to_none=False)
        loss, f = objective(state, x)
        loss.backward()
        if unit_decoder:
            remove_parallel_gradient(state.sae)
            state.optimizer.step()
            normalise_decoder(state.sae)
        else:
            state.optimizer.step()
        state.optimizer.zero_grad()
        alive = f.detach().max(dim=0).values > 0
        state.idle = (state.idle + 1) * (~alive)
        state.step = s + 1
        last = s == until - 1
        if logger is not None and (last or not (s + 1) % log_every):
            x_hat = state.sae.forward(x).detach()
            entry = dict(step=s + 1, loss=loss.item(), l0=(f > 0).sum().item() / len(f))
            entry["explained_variance"] = explained_variance(x, x_hat).item()
            entry["dead"] = (state.idle >= dead_after).sum().item() / len(state.idle)
            logger(entry)
    return state.sae
