"""What the graders of this chapter run next to the learner's code: models, metrics and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor, nn

from dojo import load_tokenizer
from dojo.ioi import Prompts, corrupted, ioi_prompts
from dojo.planted import mystery_circuit
from dojo.transformer import Config, Transformer, TransformerBlock

# --- models ---


class CountingBlock(TransformerBlock):
    """A block that counts how often it is run."""

    runs = 0

    def forward(self, resid_pre: Tensor) -> Tensor:
        self.runs += 1
        return super().forward(resid_pre)


def random_transformer(seed: int, **sizes) -> Transformer:
    """A `Transformer` of these sizes in which every weight counts: biases, LayerNorms and MLPs are drawn from the seed."""
    generator = torch.Generator().manual_seed(seed)
    config = Config(**sizes)
    model = Transformer(replace(config, n_layers=0))
    model.config = config
    model.blocks = nn.ModuleList(CountingBlock(config) for _ in range(config.n_layers))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            last = name.split(".")[-1]
            noise = torch.randn(parameter.shape, generator=generator)
            if last == "weight":
                parameter.copy_(1 + 0.3 * noise)
            elif last in ("W_E", "W_pos"):
                parameter.copy_(noise)
            else:
                parameter.copy_((0.4 if last.startswith("b") else 1.5 / parameter.shape[-2] ** 0.5) * noise)
    return model


def passes(model: Transformer) -> int:
    """How many forward passes the model has made: the runs of its busiest block."""
    return max(block.runs for block in model.blocks)


def hooks_left(model: nn.Module) -> dict[str, int]:
    """How many forward hooks each module has now; those without one are left out. "" is the model itself."""
    counts = {name: len(m._forward_hooks) + len(m._forward_pre_hooks) for name, m in model.named_modules()}
    return {name: count for name, count in counts.items() if count}


def gradients_left(model: nn.Module) -> list[str]:
    """Names of the parameters on which a backward pass has left a gradient."""
    return [name for name, parameter in model.named_parameters() if parameter.grad is not None]


def give_gradients(model: nn.Module) -> None:
    """Give every parameter a gradient of ones, as after a backward pass of somebody else's."""
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)


def gradients_changed(model: nn.Module) -> list[str]:
    """Names of the parameters that have not the gradient of `give_gradients` any more."""
    return [n for n, p in model.named_parameters() if p.grad is None or not torch.equal(p.grad, torch.ones_like(p))]


def with_a_generator(attribution_patch, model: nn.Module, clean: Tensor, corrupted: Tensor, metric, sites: list[str]):
    """What the function returns where `sites` can be gone through only once."""
    return attribution_patch(model, clean, corrupted, metric, (site for site in sites))


# --- metrics: logits [batch, pos, d_vocab] of ONE run to one number ---


def difference_metric(correct: Tensor, wrong: Tensor) -> Callable[[Tensor], Tensor]:
    """The mean logit difference at the last position."""
    rows = torch.arange(len(correct))

    def metric(logits: Tensor) -> Tensor:
        if logits.ndim != 3 or len(logits) != len(rows):
            raise ValueError(
                f"the metric was given logits of shape {tuple(logits.shape)}, but it takes those of one run: "
                f"{len(rows)} prompts, all positions, all tokens of the vocabulary"
            )
        return (logits[rows, -1, correct] - logits[rows, -1, wrong]).mean()

    return metric


def uneven_metric(weights: Tensor) -> Callable[[Tensor], Tensor]:
    """A metric that hangs on every logit of every prompt, on each in its own way, and on none of them linearly."""

    def metric(logits: Tensor) -> Tensor:
        if logits.shape != weights.shape:
            raise ValueError(
                f"the metric was given logits of shape {tuple(logits.shape)}, but it takes those of one run: "
                f"{tuple(weights.shape)}"
            )
        return (weights * (logits + 0.1 * logits.pow(2))).sum() / weights.numel() ** 0.5

    return metric


# --- logit_difference ---


def gradient_by_logits(metric, logits: Tensor, *args) -> Tensor:
    """The gradient of metric(logits, *args) with respect to the logits."""
    logits = logits.detach().clone().requires_grad_()
    return torch.autograd.grad(metric(logits, *args), logits)[0]


# --- residual_stack ---


@torch.no_grad()
def without_mlps(model: Transformer) -> Transformer:
    """The model, with MLPs that write nothing."""
    for block in model.blocks:
        block.mlp.W_out.zero_()
        block.mlp.b_out.zero_()
    return model


# --- name_the_circuit ---


@cache
def mystery(name: str) -> Transformer:
    """The model of the closing investigation that is drawn from this name."""
    return mystery_circuit(name)


def investigation_prompts(order: str, seed: int, n: int = 16) -> tuple[Prompts, Tensor, Tensor]:
    """Prompts, the same with the second subject replaced (the answer flips), and with three other names (no answer)."""
    tokenizer = load_tokenizer("ioi-a")
    prompts = ioi_prompts(tokenizer, n, order=order, seed=seed)
    return prompts, corrupted(prompts, tokenizer), corrupted(prompts, tokenizer, "ABC", seed=seed + 1)


_claims: dict = {}


def claim_of(name_the_circuit, name: str):
    """What the learner's function says of their model. It is asked once; each test tries the answer out in its own way."""
    if name not in _claims:
        _claims[name] = name_the_circuit(mystery(name), *investigation_prompts("ABBA", 0))
    return _claims[name]
