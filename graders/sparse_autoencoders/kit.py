"""What the graders of this chapter run next to the learner's code: data and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# ===== part 1 begins =====
# =====
# =====


# ===== part 1 ends =====

# ===== part 2 begins =====
# =====
# =====


class ScaledReLU(nn.Module):
    """An activation function with parameters of its own: ReLU times a learned factor for each latent."""

    def __init__(self, scale: Tensor):
        super().__init__()
        self.scale = nn.Parameter(scale)

    def forward(self, pre: Tensor) -> Tensor:
        return F.relu(pre) * self.scale


class Reader(nn.Module):
    """The graders' own autoencoder, so that nothing hangs on the learner's. No decoder row has length 1, no bias is 0."""

    def __init__(self, seed: int, d_in: int, d_sae: int, size: float = 0.7):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        shapes = {"W_enc": (d_in, d_sae), "b_enc": (d_sae,), "W_dec": (d_sae, d_in), "b_dec": (d_in,)}
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(size * torch.randn(shape, generator=generator)))
        self.activation = ScaledReLU(1 + 0.5 * torch.rand(d_sae, generator=generator))

    def pre_activations(self, x: Tensor) -> Tensor:
        return (x - self.b_dec) @ self.W_enc + self.b_enc

    def encode(self, x: Tensor) -> Tensor:
        return self.activation(self.pre_activations(x))

    def decode(self, f: Tensor) -> Tensor:
        return f @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def values(module: nn.Module) -> dict[str, Tensor]:
    """A module's parameters as they are now."""
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def wants_gradients(module: nn.Module) -> dict[str, bool]:
    return {name: parameter.requires_grad for name, parameter in module.named_parameters()}


def generator_of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- frozen_decoder_baseline ---


def batches_of(seed: int, n: int, d_in: int) -> Callable[[int], Tensor]:
    """A function from a step's number to its batch; `.steps` notes which were asked for."""

    def batch_at(step: int) -> Tensor:
        batch_at.steps.append(step)
        return torch.randn(n, d_in, generator=torch.Generator().manual_seed(1000 * (seed % 10**6) + step)) + 0.5

    batch_at.steps = []
    return batch_at


def priced_error(coefficient: float) -> Callable[[Any, Tensor], tuple[Tensor, Tensor]]:
    """An objective: the squared error plus a price on activations."""

    def objective(state: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        f = state.sae.encode(x)
        error = (x - state.sae.decode(f)).pow(2).sum(dim=-1).mean()
        return error + coefficient * f.sum(dim=-1).mean(), f

    return objective


# --- resample_dead ---


class Run:
    """A training run: sae, optimizer, step, idle, as `TrainingState` has them."""

    def __init__(self, seed: int, d_in: int, d_sae: int, steps: int, size: float = 0.7):
        self.sae = Reader(seed, d_in, d_sae, size)
        self.optimizer = torch.optim.Adam(self.sae.parameters(), lr=0.01)
        self.step = steps
        generator = torch.Generator().manual_seed(seed + 1)
        self.idle = torch.randint(3, 90, (d_sae,), generator=generator)
        for _ in range(steps):
            x = torch.randn(16, d_in, generator=generator)
            self.optimizer.zero_grad()
            f = self.sae.encode(x)
            ((x - self.sae.decode(f)).pow(2).sum() + f.sum() + self.sae.pre_activations(x).pow(2).mean()).backward()
            self.optimizer.step()
        self.parameters = dict(self.sae.named_parameters())


def silence(run: Run, latents: Tensor) -> Run:
    """The run, with latents that no input reaches."""
    with torch.no_grad():
        run.sae.b_enc[latents] = -50.0
    return run


def averages(run: Run) -> dict[str, Tensor]:
    """Adam's running averages, by parameter and name; empty where the optimizer has made no step."""
    return {
        f"{average} of {name}": run.optimizer.state[parameter][average].clone()
        for name, parameter in run.parameters.items()
        for average in ("exp_avg", "exp_avg_sq")
        if average in run.optimizer.state[parameter]
    }


def replaced_parameters(run: Run) -> list[str]:
    """Names of parameters that are not the objects that they were, or that the optimizer no longer trains."""
    trained = [id(parameter) for group in run.optimizer.param_groups for parameter in group["params"]]
    now = dict(run.sae.named_parameters())
    return [
        name
        for name, parameter in run.parameters.items()
        if now.get(name) is not parameter or id(parameter) not in trained or not parameter.requires_grad
    ]


# --- topk, batch_topk, batch_topk_threshold ---


def gradient_by_first(function: Callable, weight: Tensor, first: Tensor, *rest: Any) -> Tensor:
    """The gradient of (weight * function(first, *rest)).sum() by `first`; zeros where none gets through."""
    leaf = first.clone().requires_grad_()
    value = (weight * function(leaf, *rest)).sum()
    if not value.requires_grad:
        return torch.zeros_like(first)
    return torch.autograd.grad(value, leaf, allow_unused=True, materialize_grads=True)[0]


def once(batches: list) -> Iterator:
    """The batches as a generator: they can be gone through a single time."""
    yield from batches


# ===== part 2 ends =====

# ===== part 3 begins =====
# =====
# =====


# ===== part 3 ends =====

# ===== part 4 begins =====
# =====
# =====


# ===== part 4 ends =====

# ===== part 5 begins =====
# =====
# =====


# ===== part 5 ends =====

# ===== part 6 begins =====
# =====
# =====


# ===== part 6 ends =====
