"""What the graders of this chapter run next to the learner's code: data and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

import copy
import inspect
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dojo.transformer import Config, Transformer


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


class ResampledRun:
    """A training run: sae, optimizer, step, idle, as `TrainingState` has them."""

    def __init__(self, seed: int, d_in: int, d_sae: int, steps: int, size: float = 0.7):
        self.sae = Reader(seed, d_in, d_sae, size)
        self.optimizer = torch.optim.Adam(self.sae.parameters(), lr=0.01)
        self.step = steps
        generator = torch.Generator().manual_seed(seed + 1)
        self.idle = torch.randint(3, 90, (d_sae,), generator=generator)
        self.idle[1] = 0  # may be called dead all the same
        for _ in range(steps):
            x = torch.randn(16, d_in, generator=generator)
            self.optimizer.zero_grad()
            f = self.sae.encode(x)
            ((x - self.sae.decode(f)).pow(2).sum() + f.sum() + self.sae.pre_activations(x).pow(2).mean()).backward()
            self.optimizer.step()
        self.parameters = dict(self.sae.named_parameters())


def silence(run: ResampledRun, latents: Tensor) -> ResampledRun:
    """The run, with latents that no input reaches."""
    with torch.no_grad():
        run.sae.b_enc[latents] = -50.0
    return run


def averages(run: ResampledRun) -> dict[str, Tensor]:
    """Adam's running averages, by parameter and name; empty where the optimizer has made no step."""
    return {
        f"{average} of {name}": run.optimizer.state[parameter][average].clone()
        for name, parameter in run.parameters.items()
        for average in ("exp_avg", "exp_avg_sq")
        if average in run.optimizer.state.get(parameter, {})  # [parameter] would make an entry
    }


def left_alone(run: ResampledRun) -> dict[str, Any]:
    """What else a run consists of: how many steps Adam has made, the gradients, the mode."""
    found: dict[str, Any] = {"`sae.training`": run.sae.training}
    for name, parameter in run.parameters.items():
        if "step" in run.optimizer.state.get(parameter, {}):
            found[f"Adam's `step` of {name}"] = float(run.optimizer.state[parameter]["step"])
        found[f"`sae.{name}.grad`"] = None if parameter.grad is None else parameter.grad.clone()
    return found


def replaced_parameters(run: ResampledRun) -> list[str]:
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


def gradients_by_input(function, inputs: dict[str, Tensor], fixed: dict) -> dict[str, Tensor | None]:
    """The gradient of function(**inputs, **fixed) by each input, by its name; None where none reaches it."""
    leaves = {name: value.detach().clone().requires_grad_() for name, value in inputs.items()}
    return by_leaves(function(**leaves, **fixed), leaves)


def by_leaves(loss, leaves: dict[str, Tensor]) -> dict[str, Tensor | None]:
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return dict.fromkeys(leaves)
    found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return dict(zip(leaves, found, strict=True))


# --- JumpReLU ---


def jump_gradients(layer: nn.Module, z: Tensor, probe: Tensor) -> dict[str, Tensor | None]:
    """Gradients of sum(layer(z) * probe) by z and by log_threshold."""
    z = z.detach().clone().requires_grad_()
    return by_leaves((layer(z) * probe).sum(), {"z": z, "log_threshold": layer.log_threshold})


def l0_gradients(layer: nn.Module, z: Tensor) -> dict[str, Tensor | None]:
    """Gradients of layer.l0(z) by z and by log_threshold."""
    z = z.detach().clone().requires_grad_()
    return by_leaves(layer.l0(z), {"z": z, "log_threshold": layer.log_threshold})


def jump_training_gradient(layer: nn.Module, z: Tensor, target: Tensor, coefficient: float) -> Tensor | None:
    """The gradient by log_threshold of a loss like that of training, of pre-activations that need no gradient."""
    loss = (layer(z) - target).pow(2).sum(dim=-1).mean() + coefficient * layer.l0(z)
    return by_leaves(loss, {"log_threshold": layer.log_threshold})["log_threshold"]


# --- gated_loss ---


class Gated(nn.Module):
    """A gated autoencoder with the interface of the chapter's, whose parameters are handed in by name."""

    def __init__(self, weights: dict[str, Tensor]):
        super().__init__()
        for name, value in weights.items():
            setattr(self, name, nn.Parameter(value.detach().clone()))

    def gate(self, x: Tensor) -> Tensor:
        return (x - self.b_dec) @ self.W_enc + self.b_gate

    def encode(self, x: Tensor) -> Tensor:
        scaled = ((x - self.b_dec) @ self.W_enc) * self.r_mag.exp() + self.b_mag
        return torch.where(self.gate(x) > 0, F.relu(scaled), 0.0)

    def decode(self, f: Tensor) -> Tensor:
        return f @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def gated_gradients(gated_loss, sae: nn.Module, x: Tensor, coefficient: float) -> dict[str, Tensor | None]:
    """The gradient of the loss by each of the autoencoder's parameters, by its name."""
    return by_leaves(gated_loss(sae, x, coefficient), dict(sae.named_parameters()))


def trainable(module: nn.Module) -> list[str]:
    """Names of the parameters that can be trained."""
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]


class StreamModel(Transformer):
    """A small random `Transformer` in which every weight counts, LayerNorms and biases too; it counts its forward passes."""

    runs = 0

    def __init__(self, seed: int, **sizes):
        super().__init__(Config(**sizes))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                last = name.split(".")[-1]
                noise = torch.randn(parameter.shape, generator=generator)
                if last == "weight":
                    parameter.copy_(1 + 0.4 * noise)
                elif last in ("W_E", "W_pos"):
                    parameter.copy_(0.7 * noise + 0.2)
                else:
                    scale = 0.5 if last.startswith("b") else 1.8 / parameter.shape[-2] ** 0.5
                    parameter.copy_(scale * noise)

    def forward(self, tokens: Tensor) -> Tensor:
        self.runs += 1
        return super().forward(tokens)


def random_transformer(seed: int, **sizes) -> Transformer:
    return StreamModel(seed, **sizes)


@torch.no_grad()
def said_by(model: Transformer, seed: int, n_rows: int, n_pos: int) -> Tensor:
    """Text that the model wrote itself, int64 [row, pos]: it predicts it better than any spoiled version of it can."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(model.config.d_vocab, (n_rows, 1), generator=generator)
    for _ in range(n_pos - 1):
        chances = (2 * Transformer.forward(model, tokens)[:, -1]).softmax(dim=-1)
        tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=generator)], dim=1)
    return tokens


def hooks_left(model: nn.Module) -> list[str]:
    """Names of the modules that have a forward hook now; "" is the model itself."""
    return [name for name, m in model.named_modules() if m._forward_hooks or m._forward_pre_hooks]


class BentReconstruction:
    """A reconstruction that is neither right nor linear: (1 - share) x + share tanh(x W + b), a little different at each place.

    Made for activations of all tokens at once, of this shape; it does not change them.
    """

    def __init__(self, seed: int, share: float, *shape: int):
        generator = torch.Generator().manual_seed(seed)
        d_model = shape[-1]
        self.share, self.shape = share, torch.Size(shape)
        self.W = torch.randn(d_model, d_model, generator=generator) / d_model**0.5
        self.b = 0.5 * torch.randn(shape, generator=generator)

    def __call__(self, x: Tensor) -> Tensor:
        if x.shape != self.shape:
            raise ValueError(
                f"reconstruct was given a tensor of shape {tuple(x.shape)}, but takes the site's activation on all tokens, "
                f"{tuple(self.shape)}"
            )
        return (1 - self.share) * x + self.share * torch.tanh(x @ self.W + self.b)


def same(x: Tensor) -> Tensor:
    """A perfect reconstruction."""
    return x.clone()


def nothing(x: Tensor) -> Tensor:
    """Zero ablation as a reconstruction."""
    return x - x


def middle(x: Tensor) -> Tensor:
    """Mean ablation as a reconstruction."""
    return torch.ones_like(x) * x.sum(dim=(0, 1)) / (x.shape[0] * x.shape[1])


class SmallAutoencoder(nn.Module):
    """An autoencoder with the chapter's interface, whose parameters are drawn from the seed."""

    def __init__(self, seed: int, d_in: int, d_sae: int):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        shapes = {"W_enc": (d_in, d_sae), "b_enc": (d_sae,), "W_dec": (d_sae, d_in), "b_dec": (d_in,)}
        for name, shape in shapes.items():
            noise = torch.randn(shape, generator=generator)
            setattr(self, name, nn.Parameter(noise / d_in**0.5 if name.startswith("W") else 0.3 * noise))

    def encode(self, x: Tensor) -> Tensor:
        return F.relu((x - self.b_dec) @ self.W_enc + self.b_enc)

    def decode(self, f: Tensor) -> Tensor:
        return f @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


def make_autoencoder(kind: str, weights: dict[str, Tensor], k: int, function: Callable) -> nn.Module:
    """An autoencoder by the names of the chapter's classes, parameters and attributes, without what they compute.

    Its classes are called as in the chapter, and are subclasses of those that stand beside the learner's function, where there
    are any: so the kind can be told by attributes, by name and by isinstance. As in the chapter, W_enc is a transposed copy.
    """
    beside = getattr(inspect.unwrap(function), "__globals__", {})

    def blank(name: str, **attributes: Any) -> nn.Module:
        own = beside.get(name)
        base = own if isinstance(own, type) and issubclass(own, nn.Module) else nn.Module
        made = type(name, (base,), {"__init__": nn.Module.__init__, "__module__": __name__} | attributes)
        return made()

    sae = blank("GatedAutoencoder" if kind == "gated" else "SparseAutoencoder")
    for name, value in weights.items():
        if not name.endswith("threshold"):
            setattr(sae, name, nn.Parameter(value.T.contiguous().T if name == "W_enc" else value.clone()))
    if kind == "gated":
        return sae
    if kind == "topk":
        sae.activation = blank("TopK")
        sae.activation.k = k
    elif kind == "batchtopk":
        sae.activation = blank("BatchTopK")
        sae.activation.k = k
        sae.activation.register_buffer("threshold", weights["threshold"].clone())
    elif kind == "jumprelu":
        sae.activation = blank("JumpReLU", threshold=property(lambda self: self.log_threshold.exp()))
        sae.activation.log_threshold = nn.Parameter(weights["threshold"].log())
        sae.activation.bandwidth = 0.1
    else:
        sae.activation = nn.ReLU() if kind == "standard" else getattr(nn, kind)()
    return sae


def written(
    to_saelens: Callable,
    kind: str,
    weights: dict[str, Tensor],
    k: int = 1,
    folder: str = "sae",
    as_text: bool = False,
    stale: bool = False,
    options: list[str] | None = None,
) -> dict:
    """What to_saelens writes of such an autoencoder: {"cfg": ..., "weights": ...}, or {"problem": a sentence}.

    folder: a name in a fresh folder; as_text: as str, not as Path; stale: older files are there already. options: the arguments
    after the folder. "after" holds the autoencoder's own tensors as they are afterwards.
    """
    sae = make_autoencoder(kind, weights, k, to_saelens)
    with tempfile.TemporaryDirectory() as root:
        place = Path(root) / folder
        config, tensors = place / "cfg.json", place / "sae_weights.safetensors"
        if stale:
            place.mkdir(parents=True)
            config.write_text("{}" + " " * 2000)
            save_file({"left_over": torch.zeros(3)}, tensors)
        try:
            to_saelens(sae, str(place) if as_text else place, *(options or []))
        except OSError as error:
            state = "is there already" if stale else "is not there yet"
            why = f"{type(error).__name__}: {error.strerror}"
            return {"problem": f"Writing into the folder '{folder}', which {state}, failed ({why})."}
        for file in (config, tensors):
            if not file.is_file():
                return {"problem": f"There is no {file.name} in the folder."}
        try:
            cfg = json.loads(config.read_text(encoding="utf-8"))
        except ValueError:
            return {"problem": "cfg.json does not hold JSON: write it with `json.dumps` or `json.dump`."}
        if not isinstance(cfg, dict):
            return {"problem": "cfg.json should hold one JSON object, made from a dict."}
        try:
            found = {name: value.clone() for name, value in load_file(tensors).items()}
        except Exception:
            return {"problem": "sae_weights.safetensors cannot be read: write it with safetensors' `save_file`."}
    after = {name: value.clone() for name, value in sae.state_dict().items()}
    mode = {"training": sae.training, "frozen": [n for n, p in sae.named_parameters() if not p.requires_grad]}
    return {"cfg": cfg, "weights": found, "after": after} | mode


@torch.no_grad()
def read(from_saelens: Callable, cfg: dict, weights: dict[str, Tensor], x: Tensor, as_text: bool = False) -> dict:
    """What the autoencoder computes on x that from_saelens makes of these files; without a file where a dict is empty."""
    with tempfile.TemporaryDirectory() as root:
        if cfg:
            (Path(root) / "cfg.json").write_text(json.dumps(cfg), encoding="utf-8")
        if weights:
            save_file(weights, Path(root) / "sae_weights.safetensors")
        sae = from_saelens(root if as_text else Path(root))
    if not isinstance(sae, nn.Module):
        return {"problem": f"`from_saelens` returned an object of type {type(sae).__name__}, expected an autoencoder."}
    f = sae.encode(x.clone())
    dtypes = sorted({str(value.dtype) for value in sae.state_dict().values()})
    found = {"f": f, "x_hat": sae.decode(f), "both": sae(x.clone()), "training": sae.training, "dtypes": dtypes}
    activation = getattr(sae, "activation", None)
    threshold = getattr(activation, "threshold", None)
    return found | {
        "kinds": [[made.__name__ for made in type(part).__mro__] for part in (sae, activation)],
        "k": getattr(activation, "k", None),
        "threshold": threshold.clone() if isinstance(threshold, Tensor) else threshold,
        "stored": "activation.threshold" in sae.state_dict(),
    }


def refusal_of_files(from_saelens: Callable, cfg: dict, weights: dict[str, Tensor]) -> str:
    """The text of the ValueError that these files are refused with."""
    try:
        read(from_saelens, cfg, weights, torch.zeros(1, 1))
    except ValueError as error:
        return str(error)
    return "no error"


PAGE_FIELDS = (
    "model",
    "source",
    "index",
    "density",
    "max_activation",
    "positive_logits",
    "negative_logits",
    "explanations",
    "examples",
)


def parsed(parse_neuronpedia: Callable, response: Any) -> dict:
    """The page's fields as a dict, and under "response" whether the response is still what it was."""
    before = copy.deepcopy(response)
    page = parse_neuronpedia(response)
    missing = [name for name in PAGE_FIELDS if not hasattr(page, name)]
    if missing:
        kind = type(page).__name__
        return {"problem": f"`parse_neuronpedia` returned an object of type {kind}, expected a `FeaturePage`."}
    return {name: getattr(page, name) for name in PAGE_FIELDS} | {"unchanged": response == before}


def refusal(parse_neuronpedia: Callable, response: Any) -> str:
    """The text of the ValueError that the response is refused with. Another error goes through."""
    try:
        parse_neuronpedia(response)
    except ValueError as error:
        return str(error)
    return "no error"


def ends_with(*endings: str):
    """A predicate: the last word is one of these."""
    return lambda words: words[-1] in endings


def always(answer):
    """A predicate that says the same of everything."""
    return lambda words: answer


def longer_than(n: int):
    """A predicate: there are more than n words."""
    return lambda words: len(words) > n


def counts(word: str):
    """A predicate that gives a number: how often the word comes."""
    return lambda words: words.count(word)


def answers(explanation, contexts: list[list[str]]) -> list[bool]:
    """What an explanation says of each context, as truth values."""
    said = [explanation(list(words)) for words in contexts]
    if all(answer is None for answer in said):
        raise TypeError("explain_my_feature gave None for every example: is a `return` missing?")
    return [bool(answer) for answer in said]
