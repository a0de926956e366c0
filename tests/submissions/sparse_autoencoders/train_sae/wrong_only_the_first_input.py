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
    for step in range(state.step, until):
        x = batch_at(step)
        loss, f = objective(state, x)
        state.optimizer.zero_grad()
        loss.backward()
        if unit_decoder:
            remove_parallel_gradient(state.sae)
        state.optimizer.step()
        if unit_decoder:
            normalise_decoder(state.sae)
        state.idle = torch.where(f[0] > 0, 0, state.idle + 1)
        state.step = step + 1
        if logger is not None and (state.step % log_every == 0 or state.step == until):
            with torch.no_grad():
                fve = explained_variance(x, state.sae(x)).item()
            dead = (state.idle >= dead_after).float().mean().item()
            logger({"step": state.step, "loss": loss.item(), "l0": l0(f).item(), "explained_variance": fve, "dead": dead})
    return state.sae
