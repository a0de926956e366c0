"""What the graders of this chapter run next to the learner's code: data and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

# ===== part 1 begins =====
# =====


class Bent(nn.Module):
    """An activation function that is neither ReLU nor idempotent."""

    def forward(self, pre: Tensor) -> Tensor:
        return 1.5 * (pre + 0.4).relu()


class Autoencoder(nn.Module):
    """An autoencoder with ReLU, made from its weights: so nothing hangs on the learner's class."""

    def __init__(self, W_enc: Tensor, b_enc: Tensor, W_dec: Tensor, b_dec: Tensor):
        super().__init__()
        self.W_enc, self.b_enc = nn.Parameter(W_enc.detach().clone()), nn.Parameter(b_enc.detach().clone())
        self.W_dec, self.b_dec = nn.Parameter(W_dec.detach().clone()), nn.Parameter(b_dec.detach().clone())
        self.first = [self.W_dec]  # in a list, so that it is no parameter a second time

    def encode(self, x: Tensor) -> Tensor:
        return ((x - self.b_dec) @ self.W_enc + self.b_enc).relu()

    def decode(self, f: Tensor) -> Tensor:
        return f @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def autoencoder(W_enc: Tensor, b_enc: Tensor, W_dec: Tensor, b_dec: Tensor) -> Autoencoder:
    return Autoencoder(W_enc, b_enc, W_dec, b_dec)


def weights_of(sae: nn.Module) -> dict[str, Tensor]:
    return {name: getattr(sae, name).detach().clone() for name in ("W_enc", "b_enc", "W_dec", "b_dec")}


def has_its_decoder(sae: nn.Module) -> bool:
    """Whether W_dec is still the parameter that it was made with."""
    return sae.W_dec is sae.first[0]


def is_trained(sae: nn.Module) -> bool:
    return isinstance(sae.W_dec, nn.Parameter) and sae.W_dec.requires_grad


def set_gradients(sae: nn.Module, **gradients: Tensor) -> None:
    for name, gradient in gradients.items():
        getattr(sae, name).grad = gradient.clone()


def gradient(sae: nn.Module, name: str) -> Tensor | None:
    return getattr(sae, name).grad


def gradients_by(function, inputs: list[Tensor], *rest) -> list[Tensor]:
    """The gradient of function(*inputs, *rest), one number, with respect to each of the inputs."""
    inputs = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    value = function(*inputs, *rest)
    if not isinstance(value, Tensor) or not value.requires_grad:
        raise ValueError(
            "no gradient flows through the result: it must be a tensor that was computed from the arguments"
        )
    found = torch.autograd.grad(value, inputs, allow_unused=True)
    return [torch.zeros_like(i) if g is None else g for i, g in zip(inputs, found, strict=True)]


def gradients_of(sae: nn.Module, x: Tensor, probe: Tensor) -> dict[str, Tensor]:
    """The gradient of (sae(x) * probe).sum() by each parameter and by x; nan where none arrives."""
    x = x.detach().clone().requires_grad_()
    names, tensors = zip(*[*sae.named_parameters(), ("x", x)], strict=True)
    found = torch.autograd.grad((sae(x) * probe).sum(), tensors, allow_unused=True)
    return {n: torch.full_like(t, torch.nan) if g is None else g for n, t, g in zip(names, tensors, found, strict=True)}


def step_of(entry) -> int | None:
    return entry.get("step") if isinstance(entry, dict) else None


@dataclass
class State:
    """A run, with the fields of the chapter's `TrainingState`."""

    sae: nn.Module
    optimizer: torch.optim.Optimizer
    step: int
    idle: Tensor


class Run:
    """A training run on which everything is written down: which batches were asked for, what was logged, what came out.

    data [step, batch, d_in]. plan: bool [step, d_sae], which latents may be active at a step. The objective depends on the
    state's step (by the plan) and on its idle counts (idle latents pay more), so that a state that is out of date shows.
    """

    def __init__(self, weights: dict, data: Tensor, plan: Tensor, step: int = 0, idle: Tensor | None = None):
        sae = Autoencoder(**weights)
        idle = torch.zeros(plan.shape[1], dtype=torch.int64) if idle is None else idle.clone()
        self.state = State(sae, torch.optim.Adam(sae.parameters(), lr=0.05), step, idle)
        self.data, self.plan = data, plan
        self.asked: list[int] = []
        self.logged: list[dict] = []
        self.interrupt_at: tuple = ()

    def interrupt(self, where: str, step: int) -> None:
        """Ctrl-C is pressed, once, while this is called for this step: "batch_at", "objective" or "logger"."""
        self.interrupt_at = (where, step)

    def leave_gradients(self, value: float) -> None:
        for parameter in self.state.sae.parameters():
            parameter.grad = torch.full_like(parameter, value)

    def _perhaps_interrupted(self, where: str, step: int) -> None:
        if self.interrupt_at == (where, step):
            self.interrupt_at = ()
            raise KeyboardInterrupt

    def _batch_at(self, step: int) -> Tensor:
        self._perhaps_interrupted("batch_at", step)
        if not 0 <= step < len(self.data):
            raise ValueError(
                f"batch_at was asked for the batch of step {step}, but there are steps 0 to {len(self.data) - 1} only"
            )
        self.asked.append(int(step))
        return self.data[step].clone()

    def _objective(self, state: State, x: Tensor) -> tuple[Tensor, Tensor]:
        if state is not self.state or not isinstance(x, Tensor):
            raise TypeError("the objective takes the state and a batch, in this order")
        self._perhaps_interrupted("objective", state.step)
        f = state.sae.encode(x) * self.plan[min(state.step, len(self.plan) - 1)]
        error = (x - state.sae.decode(f)).pow(2).sum(dim=-1).mean()
        return error + 0.1 * (f * (1 + state.idle)).sum(dim=-1).mean(), f

    def _logger(self, entry: dict) -> None:
        self._perhaps_interrupted("logger", step_of(entry))
        self.logged.append(dict(entry) if isinstance(entry, dict) else entry)

    def go(self, train_sae, until: int, log: bool = False, **options) -> str:
        """One call of train_sae; says whether the autoencoder came back."""
        logger = {"logger": self._logger} if log else {}
        try:
            back = train_sae(self.state, self._batch_at, self._objective, until, **logger, **options)
        except KeyboardInterrupt:
            return "interrupted"
        return "state.sae" if back is self.state.sae else f"an object of type {type(back).__name__}"

    def weights(self) -> dict[str, Tensor]:
        return weights_of(self.state.sae)

    def step(self) -> int:
        return self.state.step

    def idle(self) -> Tensor:
        return self.state.idle

    def asked_for(self) -> list[int]:
        """The batches in the order in which they were asked for; asking twice for the same counts once."""
        return list(dict.fromkeys(self.asked))

    def entries(self) -> list[dict]:
        return self.logged

    def kinds(self) -> list[str]:
        """What is in the log: "number" for each plain int or float, else the name of its type."""
        values = [value for entry in self.logged for value in entry.values()]
        plain = [isinstance(value, int | float) and not isinstance(value, bool) for value in values]
        return ["number" if p else type(value).__name__ for p, value in zip(plain, values, strict=True)]


# =====
# ===== part 1 ends =====

# ===== part 2 begins =====
# =====
# =====


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
