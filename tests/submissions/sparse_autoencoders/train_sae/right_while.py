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
    sae, optimizer = state.sae, state.optimizer
    while state.step < until:
        optimizer.zero_grad()
        x = batch_at(state.step)
        loss, f = objective(state, x)
        loss.backward()
        if unit_decoder:
            remove_parallel_gradient(sae)
        optimizer.step()
        if unit_decoder:
            normalise_decoder(sae)
        active = (f.detach() > 0).any(dim=0)
        state.idle += 1
        state.idle[active] = 0
        state.step += 1
        if logger and (state.step % log_every == 0 or state.step == until):
            with torch.no_grad():
                logger({
                    "step": state.step,
                    "loss": float(loss),
                    "l0": float(l0(f)),
                    "explained_variance": float(explained_variance(x, sae(x))),
                    "dead": float((state.idle >= dead_after).float().mean()),
                })
    return sae
