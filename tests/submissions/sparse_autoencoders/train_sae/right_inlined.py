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
    W = state.sae.W_dec
    for step in range(state.step, until):
        x = batch_at(step)
        loss, f = objective(state, x)
        for p in state.sae.parameters():
            p.grad = None
        loss.backward()
        with torch.no_grad():
            if unit_decoder and W.grad is not None:
                W.grad -= (W.grad * W).sum(1, keepdim=True) / (W * W).sum(1, keepdim=True) * W
            state.optimizer.step()
            if unit_decoder:
                W.div_(W.norm(dim=1, keepdim=True))
            for i in range(len(W)):
                state.idle[i] = 0 if bool((f[:, i] > 0).any()) else state.idle[i] + 1
            state.step = step + 1
            if logger is not None and (state.step % log_every == 0 or state.step == until):
                logger({"step": step + 1, "loss": loss.item(), "l0": (f != 0).float().sum(1).mean().item(),
                        "explained_variance": explained_variance(x, state.sae(x)).item(),
                        "dead": sum(1 for n in state.idle.tolist() if n >= dead_after) / len(W)})
    return state.sae
