"""What the graders of this chapter run next to the learner's code: data and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""

from contextlib import suppress

import torch
from torch import Tensor, nn

from dojo.planted import mystery_geometry

# --- sample_features, correlated_features, anticorrelated_features ---


def drawn_form(sample, seed: int, n_batch: int, sparsity: Tensor, n: int):
    """What a sampler's answer looks like, its numbers left out: those are nobody's business. No tensor: the answer itself."""
    x = sample(n_batch, sparsity, n, torch.Generator().manual_seed(seed))
    return torch.zeros_like(x) if isinstance(x, Tensor) else x


def feature_statistics(sample, seed: int, n_batch: int, sparsity: Tensor, n_features: int):
    """A large draw, told so coarsely that every right draw gives the same answer, and the same slip, too.

    Returns:
        "nan", "below 0", "above 1": whether there is such a number. "zeros": how often each feature of each instance is 0,
        [instance, feature]: 1 where it is as often as it should be (within 0.06), 0.5 too seldom, 2 too often. "tenths": how
        many of the other numbers lie in each tenth of [0, 1]: 1 where it is a tenth of them (0.07 to 0.13), 0.5 too few,
        2 too many. "rounded": whether numbers come again and again. "features", "instances", "inputs": whether being there,
        or size, goes together in two features of an instance, in two instances, or in two inputs that follow each other.
        "changed": whether sparsity was changed in place.
        The form of the answer, where it is not the right one.
    """
    before = sparsity.clone()
    x = sample(n_batch, sparsity, n_features, torch.Generator().manual_seed(seed))
    changed = not torch.equal(before, sparsity)
    if not isinstance(x, Tensor) or x.shape != (n_batch, len(before), n_features):
        return torch.zeros_like(x) if isinstance(x, Tensor) else x
    x = x.double()
    there = (x != 0).double()
    instance = torch.arange(len(before)).repeat_interleave(n_features)
    same = instance[:, None] == instance
    rows, values = there.flatten(1), x.flatten(1)
    presence, size = _go_together(rows, values, rows, values, 1000)
    together = presence | size
    following = torch.stack(_go_together(rows[1:], values[1:], rows[:-1], values[:-1], 1000))
    return {
        **_numbers(x, before),
        "features": bool((together & same & ~torch.eye(len(same), dtype=torch.bool)).any()),
        "instances": bool((together & ~same).any()),
        "inputs": bool(following.any()),
        "changed": changed,
    }


def _numbers(x: Tensor, sparsity: Tensor) -> dict:
    """What is said of the numbers of every sampler, whatever it draws together."""
    numbers = x[x != 0]
    tenths = torch.bincount((10 * numbers.nan_to_num()).long().clamp(0, 9), minlength=10) / max(1, len(numbers))
    return {
        "nan": bool(x.isnan().any()),
        "below 0": bool((x < 0).any()),
        "above 1": bool((x > 1).any()),
        "zeros": _three_ways((x == 0).double().mean(0) - sparsity[:, None], 0.06),
        "tenths": _three_ways(tenths - 0.1, 0.03),
        "rounded": len(numbers.unique()) < 0.9 * len(numbers),
    }


def _three_ways(excess: Tensor, tolerance: float) -> Tensor:
    return torch.where(excess < -tolerance, 0.5, torch.where(excess > tolerance, 2.0, 1.0)).float()


def _go_together(there: Tensor, x: Tensor, other_there: Tensor, other_x: Tensor, enough: int) -> tuple[Tensor, Tensor]:
    """Which columns go together, in being there (a correlation of 0.15) and in size (0.3, where `enough` are there at once).

    With 6000 rows chance gives 0.013, and 0.03 where 1000 are there at once: nine standard deviations and more below.
    """
    a, b = there - there.mean(0), other_there - other_there.mean(0)
    presence = a.T @ b / len(a) / (a.std(0)[:, None] * b.std(0)).clamp(min=1e-9)
    at_once = there.T @ other_there
    size = (
        12 * ((x - 0.5) * there).T @ ((other_x - 0.5) * other_there) / at_once.clamp(min=1)
    )  # 1/12: a uniform's variance
    return presence.abs() > 0.15, (size.abs() > 0.3) & (at_once >= enough)


def all_or_nothing(sample, seed: int, sparsity: Tensor, n_features: int) -> dict:
    """Whether there are nans, which instances are 0 everywhere, and which hardly anywhere (torch.rand may give a 0)."""
    x = sample(300, sparsity, n_features, torch.Generator().manual_seed(seed))
    zeros = (x == 0).sum(dim=(0, 2))
    return {"nan": bool(x.isnan().any()), "zeros": zeros == 300 * n_features, "full": zeros <= 3}


def drawn_again(sample, seed: int, n_batch: int, sparsity: Tensor, n: int) -> dict[str, bool]:
    """Which draws come out the same, of so many numbers that two draws of their own never agree in all."""

    def draw(generator: torch.Generator | None) -> Tensor:
        return sample(n_batch, sparsity, n, generator)

    def fresh(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    kept = fresh(seed)
    torch.manual_seed(seed)
    once, again = draw(kept), draw(kept)
    torch.manual_seed(seed + 1)
    same = torch.equal(draw(fresh(seed)), once)
    torch.manual_seed(seed)
    default, default_again = draw(None), draw(None)
    torch.manual_seed(seed)
    return {
        "the same seed": same,
        "another seed": torch.equal(draw(fresh(seed + 1)), once),
        "one generator, used twice": torch.equal(once, again),
        "generator=None, twice": torch.equal(default, default_again),
        "generator=None, torch's own with the same seed": torch.equal(draw(None), default),
    }


# --- ToyModel, importance_loss ---


def gradients_of(model: nn.Module, x: Tensor, probe: Tensor) -> dict[str, Tensor | None]:
    """The gradients of (output * probe).sum() by W, b and x; None where none arrives."""
    x = x.clone().requires_grad_()
    out = model(x)
    wanted = {"W": model.W, "b": model.b, "x": x}
    if not out.requires_grad:
        return dict.fromkeys(wanted)
    return dict(
        zip(wanted, torch.autograd.grad((out * probe).sum(), [*wanted.values()], allow_unused=True), strict=True)
    )


def gradient_of_loss(loss, x: Tensor, x_hat: Tensor, importance: Tensor, probe: Tensor) -> Tensor | None:
    """The gradient of (loss * probe).sum() by x_hat; None where none arrives."""
    x_hat = x_hat.clone().requires_grad_()
    out = loss(x, x_hat, importance)
    if not isinstance(out, Tensor) or not out.requires_grad:
        return None
    return torch.autograd.grad((out * probe).sum(), x_hat, allow_unused=True)[0]


# --- train_toy_model ---


class Toy(nn.Module):
    """A toy model with the weights that it is given."""

    def __init__(self, W: Tensor, b: Tensor):
        super().__init__()
        self.W, self.b = nn.Parameter(W.clone()), nn.Parameter(b.clone())

    def forward(self, x: Tensor) -> Tensor:
        hidden = (x[:, :, None] * self.W).sum(dim=-1)
        return ((hidden[..., None] * self.W).sum(dim=2) + self.b).relu()


class Stretched(nn.Module):
    """Another model with a toy model's input and output: x' = stretch x + shift."""

    def __init__(self, stretch: Tensor, shift: Tensor):
        super().__init__()
        self.stretch, self.shift = nn.Parameter(stretch.clone()), nn.Parameter(shift.clone())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.stretch + self.shift


MODELS = {"toy": Toy, "stretched": Stretched}


class Enough(Exception):
    """Raised by on_step to end a training early."""


def trained(
    train,
    weights: dict[str, Tensor],
    importance: Tensor,
    batches: Tensor,
    *,
    kind: str = "toy",
    left: float = 0.0,
    watched: bool = True,
    stop_after: int | None = None,
    **options,
) -> dict:
    """What a training does with a model of these weights and these batches [step, batch, instance, feature].

    Args:
        left: a gradient that somebody left behind on every parameter.
        watched: whether there is an on_step.
        stop_after: after so many steps on_step ends the training.

    Returns:
        "losses": what came back, detached. "needs_grad", "told_needs_grad": whether it, or what on_step was given, has a
        gradient. "samples": how often `sample` was called. "steps", "told": what on_step was given. "after": each
        parameter after each step, as on_step saw them (a list a name). "weights": each parameter of the model at the end.
    """
    model = MODELS[kind](*weights.values())
    if left:
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, left)
    count, steps, told, after, needs = 0, [], [], {name: [] for name in weights}, False

    def sample() -> Tensor:
        nonlocal count
        count += 1
        return batches[(count - 1) % len(batches)].clone()

    def on_step(step, losses) -> None:
        nonlocal needs
        steps.append(step)
        needs = needs or bool(getattr(losses, "requires_grad", False))
        told.append(losses.detach().clone() if isinstance(losses, Tensor) else losses)
        for name, seen in after.items():
            seen.append(getattr(model, name).detach().clone())
        if len(steps) == stop_after:
            raise Enough

    losses = None
    with suppress(Enough):
        losses = train(model, importance, sample, **({"on_step": on_step} if watched else {}), **options)
    return {
        "losses": losses.detach() if isinstance(losses, Tensor) else losses,
        "needs_grad": bool(getattr(losses, "requires_grad", False)),
        "told_needs_grad": needs,
        "samples": count,
        "steps": steps,
        "told": told,
        "after": after,
        "weights": {name: getattr(model, name).detach().clone() for name in weights},
    }


# --- correlated_features, anticorrelated_features ---


def pair_statistics(sample, seed: int, n_batch: int, sparsity: Tensor, n_pairs: int, together: Tensor):
    """A large draw of pairs, told so coarsely that every right draw gives the same answer, and the same slip, too.

    Args:
        together: how often both features of a pair should be there, float [instance].

    Returns:
        "nan", "below 0", "above 1", "rounded": whether there are such numbers. "zeros" [instance, feature]: how often each
        feature is 0: 1 where as often as it should be, 0.5 too seldom, 2 too often. "both" [instance, pair]: the same for how
        often both of features 2k, 2k + 1 are there; "only one": whether ever one of them is there without the other;
        "tenths": the same for how many of the numbers that are not 0 lie in each tenth of [0, 1]. "values in a pair": whether
        two features that are there at once go together in size. "pairs", "instances", "inputs": whether being there, or
        size, goes together in two pairs, in two instances, in two inputs that follow each other. "changed": whether sparsity
        was changed in place. The form of the answer, where it is not the right one.
    """
    before = sparsity.clone()
    x = sample(n_batch, sparsity, n_pairs, torch.Generator().manual_seed(seed))
    changed = not torch.equal(before, sparsity)
    if not isinstance(x, Tensor) or x.shape != (n_batch, len(before), 2 * n_pairs):
        return torch.zeros_like(x) if isinstance(x, Tensor) else x
    x = x.double()
    there = (x != 0).double()
    first, second = there[..., ::2], there[..., 1::2]
    each = torch.arange(there[0].numel())
    same_instance = each[:, None] // (2 * n_pairs) == each // (2 * n_pairs)
    same_pair = each[:, None] // 2 == each // 2
    rows, values = there.flatten(1), x.flatten(1)
    presence, size = _go_together(rows, values, rows, values, 500)
    either = presence | size
    follow = torch.stack(_go_together(rows[1:], values[1:], rows[:-1], values[:-1], 500)).any()
    return {
        **_numbers(x, before),
        "both": _three_ways((first * second).mean(0) - together[:, None].double(), 0.04),
        "only one": bool((first != second).double().mean() > 1e-4),  # torch.rand may give a 0 now and then
        "values in a pair": bool((size & same_pair & (each[:, None] != each)).any()),
        "pairs": bool((either & same_instance & ~same_pair).any()),
        "instances": bool((either & ~same_instance).any()),
        "inputs": bool(follow),
        "changed": changed,
    }


def pairs_at(sample, seed: int, sparsity: Tensor, n_pairs: int):
    """Whether there are nans, and in which instances nothing, everything, or one of each pair is there in all of 300 inputs."""
    x = sample(300, sparsity, n_pairs, torch.Generator().manual_seed(seed))
    if not isinstance(x, Tensor) or x.shape != (300, len(sparsity), 2 * n_pairs):
        return torch.zeros_like(x) if isinstance(x, Tensor) else x
    n = (x != 0).reshape(300, len(sparsity), n_pairs, 2).sum(dim=-1)

    def share(count: int) -> Tensor:
        return (n == count).double().mean(dim=(0, 2)) > 0.99  # torch.rand may give a 0 now and then

    return {"nan": bool(x.isnan().any()), "neither": share(0), "one": share(1), "both": share(2)}


def pairs_at_once(sample, seed: int, sparsity: Tensor, n_pairs: int):
    """For each instance, when both features of a pair are there at once: "never", "sometimes", or "always" where one is.

    Looked at in 500 inputs. The answer's form, where it is not the right one.
    """
    x = sample(500, sparsity, n_pairs, torch.Generator().manual_seed(seed))
    if not isinstance(x, Tensor) or x.shape != (500, len(sparsity), 2 * n_pairs):
        return torch.zeros_like(x) if isinstance(x, Tensor) else x
    first, second = x[..., ::2] != 0, x[..., 1::2] != 0
    both, one = (first & second).sum(dim=(0, 2)), (first | second).sum(dim=(0, 2))
    return ["never" if n == 0 else "always" if n == of else "sometimes" for n, of in zip(both, one, strict=True)]


# --- name_the_geometry ---

_claims: dict = {}


def geometry_claim(name_the_geometry, name: str):
    """What the learner's function says of their model. It is asked once; each test tries the answer out in its own way."""
    if name not in _claims:
        _claims[name] = name_the_geometry(mystery_geometry(name))
    return _claims[name]
