"""Superposition: the reference of chapter 4.

Many toy models are trained at once, along a first axis of their own: "instance". Axes stand in the order batch, instance,
feature; W is [instance, n_hidden, n_features], as in Elhage et al. 2022: its column i, W_i, is the direction of feature i.
"""

from collections.abc import Callable

import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

LEARNER = "your name"  # the model of the closing investigation is drawn from it


# --- 1. five features, two dimensions ---


def sample_features(
    n_batch: int, sparsity: Tensor, n_features: int, generator: torch.Generator | None = None
) -> Tensor:
    """Inputs of a toy model: each feature is 0 with probability `sparsity`, else uniform on [0, 1], all independently.

    Args:
        n_batch: how many inputs for each instance.
        sparsity: float [instance], between 0 and 1; each instance has its own.
        n_features: how many features an input has.
        generator: source of randomness; None takes torch's own.

    Returns:
        float [batch, instance, feature].

    Source: Elhage et al. 2022.
    """
    shape = (n_batch, len(sparsity), n_features)
    present = torch.rand(shape, generator=generator) >= sparsity[:, None]
    return torch.rand(shape, generator=generator) * present


class ToyModel(nn.Module):
    """Squeezes features into fewer dimensions and reads them back: x' = ReLU(W^T W x + b), many instances at once.

    Args of the constructor:
        n_instances, n_features, n_hidden: the sizes.

    Parameters:
        W: float [instance, n_hidden, n_features], drawn at random (standard normal, divided by the square root of n_features).
        b: float [instance, n_features], zeros.

    forward(x): x float [batch, instance, n_features] to x' of the same shape. Instances do not touch each other.

    Source: Elhage et al. 2022, "Toy Models of Superposition".
    """

    def __init__(self, n_instances: int, n_features: int, n_hidden: int):
        super().__init__()
        self.W = nn.Parameter(torch.randn(n_instances, n_hidden, n_features) / n_features**0.5)
        self.b = nn.Parameter(torch.zeros(n_instances, n_features))

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        hidden = einops.einsum(x, self.W, "batch inst feature, inst hidden feature -> batch inst hidden")
        out = einops.einsum(hidden, self.W, "batch inst hidden, inst hidden feature -> batch inst feature")
        return F.relu(out + self.b)
        ### END SOLUTION


def arrangements() -> dict[str, tuple[Tensor, Tensor]]:
    """Three ways to put five features into two dimensions, set by hand: W [2, 5] and b [5] of each."""
    axes, pairs = torch.zeros(2, 5), torch.zeros(2, 5)
    axes[:, :2] = torch.eye(2)
    pairs[:, :4] = torch.cat([torch.eye(2), -torch.eye(2)], dim=1)
    angles = torch.arange(5) * 2 * torch.pi / 5
    squared = 1 / (1 - angles[1].cos())  # so that a feature of value 1, alone, comes back as 1, and its neighbours as 0
    pentagon = squared.sqrt() * torch.stack([angles.cos(), angles.sin()])
    return {
        "axes": (axes, torch.zeros(5)),
        "pairs": (pairs, torch.zeros(5)),
        "pentagon": (pentagon, (1 - squared).expand(5)),
    }


def importance_loss(x: Tensor, x_hat: Tensor, importance: Tensor) -> Tensor:
    """Squared error, weighted by importance: summed over features, averaged over the batch, one number an instance.

    Args:
        x, x_hat: float [batch, instance, feature], the input and what the model made of it.
        importance: float [feature], or [instance, feature].

    Returns:
        float [instance]. Gradients flow through it.

    Source: Elhage et al. 2022 (who average over the batch and sum over features).
    """
    return (importance * (x - x_hat).pow(2)).sum(dim=-1).mean(dim=0)


def train_toy_model(
    model: nn.Module,
    importance: Tensor,
    sample: Callable[[], Tensor],
    steps: int = 1500,
    lr: float = 1e-2,
    on_step: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Train all instances of a toy model at once, in place, with Adam.

    Every step draws a fresh batch. What is minimised is the SUM of the instances' losses: each instance then gets the
    gradient of its own loss alone, whatever the number of instances. The learning rate of step s (the first is 0) is
    lr * (1 - s / steps): it falls linearly.

    Args:
        model: a `ToyModel`, or another module with the same input and output.
        importance: float [feature] or [instance, feature], as in `importance_loss`.
        sample: called without arguments once a step; gives a batch, float [batch, instance, feature].
        steps: how many steps.
        lr: Adam's learning rate at the start; its other settings are torch's.
        on_step: called after every step with its number (from 0) and the losses [instance] before the step, detached.

    Returns:
        The losses before each step, float [steps, instance], without gradients.

    Source: Elhage et al. 2022.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - step / steps)
        x = sample()
        loss = importance_loss(x, model(x), importance)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
        if on_step is not None:
            on_step(step, losses[-1])
    return torch.stack(losses)


# --- 2. measuring it ---


def train_restarts(
    density: Tensor, importance: Tensor, n_hidden: int, restarts: int = 4, steps: int = 1000
) -> tuple[Tensor, Tensor]:
    """Train a toy model for each setting, several times from different starts, all at once, and draw the loss meanwhile.

    Args:
        density: float [setting], the probability that a feature is there: 1 - sparsity.
        importance: float [feature], or [setting, feature].
        n_hidden: dimensions of the models.
        restarts: how many models a setting.
        steps: steps of training, with batches of 256.

    Returns:
        W, float [restart, setting, n_hidden, n_features], and the losses, float [restart, setting], averaged over the last
        tenth of the steps.
    """
    from dojo import show

    n_features = importance.shape[-1]
    if importance.ndim == 2:
        importance = importance.repeat(restarts, 1)
    sparsity = 1 - density.repeat(restarts)
    model = ToyModel(len(sparsity), n_features, n_hidden)
    live = show.live_lines("loss", title=f"{len(sparsity)} models at once", x_title="step", y_title="mean loss")

    def draw(step: int, losses: Tensor) -> None:
        if step % 20 == 0:
            live.add(step, loss=losses.mean())

    losses = train_toy_model(
        model, importance, lambda: sample_features(256, sparsity, n_features), steps=steps, on_step=draw
    )
    live.draw()
    W = model.W.detach().unflatten(0, (restarts, -1))
    return W, losses[-steps // 10 :].mean(dim=0).unflatten(0, (restarts, -1))


def represented(W: Tensor, threshold: float = 0.5) -> Tensor:
    """Which features a model keeps: those whose direction is longer than the threshold.

    Args:
        W: float [instance, n_hidden, n_features]; column i is the direction of feature i.
        threshold: a length.

    Returns:
        bool [instance, n_features]. A direction exactly as long as the threshold is not kept.

    Source: Elhage et al. 2022: trained directions have, mostly, a length near 0 or near 1.
    """
    return W.norm(dim=-2) > threshold


def interference(W: Tensor) -> Tensor:
    """How much of each feature is heard in the output of each other one: the off-diagonal of W^T W.

    Args:
        W: float [instance, n_hidden, n_features].

    Returns:
        float [instance, n_features, n_features]: entry i, j is W_i . W_j, and 0 where i = j.

    Source: Elhage et al. 2022.
    """
    gram = einops.einsum(W, W, "inst hidden i, inst hidden j -> inst i j")
    return gram - torch.diag_embed(gram.diagonal(dim1=-2, dim2=-1))


def feature_dimensionality(W: Tensor) -> Tensor:
    """The share of a dimension that each feature has: D_i = |W_i|^2 / sum_j (W_i_hat . W_j)^2, with W_i_hat = W_i / |W_i|.

    The sum runs over all features j, i included.

    Args:
        W: float [instance, n_hidden, n_features].

    Returns:
        float [instance, n_features], from 0 to 1; 0 for a feature whose direction is the zero vector (no nan).

    Source: Elhage et al. 2022.
    """
    length = W.norm(dim=-2)  # [instance, feature]
    unit = W / length[:, None].clamp(min=1e-12)
    shared = einops.einsum(unit, W, "inst hidden i, inst hidden j -> inst i j").pow(2).sum(dim=-1)
    return length.pow(2) / shared.clamp(min=1e-12)


# --- 3. when does it pay? ---


def expected_losses(sparsity: float, importance: float) -> dict[str, float]:
    """The exact expected loss of two ways to put two features into one dimension.

    Features are those of `sample_features` with this sparsity; feature 0 has importance 1, feature 1 `importance`.

    Args:
        sparsity: the probability that a feature is 0, between 0 and 1.
        importance: of the second feature.

    Returns:
        "dedicated": the loss of W = [[1, 0]] where b = (0, b_1) and b_1 is the best constant for feature 1, its mean:
            feature 0 is perfect, feature 1 is guessed;
        "antipodal": the loss of W = [[1, -1]] and b = 0: x' = (ReLU(x_0 - x_1), ReLU(x_1 - x_0)). Where only one feature is
            there both are right; where both are there each is wrong by the smaller of the two.

    Source: the two-feature case of Elhage et al. 2022, worked out.
    """
    p = 1 - sparsity
    # One feature: mean p / 2, mean square p / 3. Of two uniform numbers, the smaller has mean square 1 / 6.
    return {"dedicated": importance * (p / 3 - p**2 / 4), "antipodal": (1 + importance) * p**2 / 6}


def phase_diagram(W: Tensor, losses: Tensor, feature: int = -1) -> Tensor:
    """What became of one feature, for every setting that was trained: the best of several restarts decides.

    At each place of the grid the restart with the smallest loss there counts. With W_i the feature's column in it:
        0, not learned: |W_i| is at most 0.5;
        1, a dimension of its own: |W_i| > 0.5, and sum over j != i of (W_i_hat . W_j)^2 is at most 0.25;
        2, superposition: |W_i| > 0.5, and that sum is more than 0.25.

    Args:
        W: float [restart, row, column, n_hidden, n_features].
        losses: float [restart, row, column].
        feature: which feature is looked at, an index; -1 is the last one.

    Returns:
        int64 [row, column] of 0, 1 and 2.

    Source: Elhage et al. 2022; the two thresholds are ours.
    """
    rows, columns = losses.shape[1:]
    best = losses.argmin(dim=0)  # [row, column]
    W = W[best, torch.arange(rows)[:, None], torch.arange(columns)]  # [row, column, n_hidden, n_features]
    direction = W[..., feature]
    length = direction.norm(dim=-1)
    unit = direction / length[..., None].clamp(min=1e-12)
    onto = einops.einsum(unit, W, "row col hidden, row col hidden feature -> row col feature").pow(2)
    onto[..., feature] = 0
    return torch.where(length <= 0.5, 0, torch.where(onto.sum(dim=-1) <= 0.25, 1, 2))


# --- 4. features that are not independent ---


def correlated_features(
    n_batch: int, sparsity: Tensor, n_pairs: int, generator: torch.Generator | None = None
) -> Tensor:
    """Features in pairs that come together: of features 2k and 2k + 1 both are there, or neither.

    A pair is absent with probability `sparsity`; where it is there, both features are uniform on [0, 1], each on its own.
    Pairs are independent.

    Args:
        n_batch: how many inputs for each instance.
        sparsity: float [instance].
        n_pairs: how many pairs.
        generator: source of randomness; None takes torch's own.

    Returns:
        float [batch, instance, 2 * n_pairs].

    Source: Elhage et al. 2022.
    """
    shape = (n_batch, len(sparsity), n_pairs)
    present = (torch.rand(shape, generator=generator) >= sparsity[:, None]).repeat_interleave(2, dim=-1)
    return torch.rand(present.shape, generator=generator) * present


def anticorrelated_features(
    n_batch: int, sparsity: Tensor, n_pairs: int, generator: torch.Generator | None = None
) -> Tensor:
    """Features in pairs that never come together: of features 2k and 2k + 1 at most one is there.

    Each single feature is 0 with probability `sparsity`, as ever, else uniform on [0, 1]. Pairs are independent.

    Args:
        n_batch: how many inputs for each instance.
        sparsity: float [instance], each at least 0.5: two features that exclude each other cannot both be there more than
            half of the time.
        n_pairs: how many pairs.
        generator: source of randomness; None takes torch's own.

    Returns:
        float [batch, instance, 2 * n_pairs].

    Raises:
        ValueError: a sparsity below 0.5.

    Source: Elhage et al. 2022.
    """
    if (sparsity < 0.5).any():
        raise ValueError("Of two features that exclude each other, each can be there half of the time at most.")
    p = 1 - sparsity[:, None]
    which = torch.rand((n_batch, len(sparsity), n_pairs), generator=generator)
    present = torch.stack([which < p, which >= 1 - p], dim=-1).flatten(-2)  # p <= 1/2: never both
    return torch.rand(present.shape, generator=generator) * present


# --- 5. a basis that matters ---


class ReluToyModel(nn.Module):
    """A toy model with neurons: h = ReLU(W x), x' = ReLU(W^T h + b). W [instance, n_hidden, n_features], b as in `ToyModel`."""

    def __init__(self, n_instances: int, n_features: int, n_hidden: int):
        super().__init__()
        self.W = nn.Parameter(torch.randn(n_instances, n_hidden, n_features) / n_features**0.5)
        self.b = nn.Parameter(torch.zeros(n_instances, n_features))

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(einops.einsum(x, self.W, "batch inst feature, inst hidden feature -> batch inst hidden"))
        out = einops.einsum(hidden, self.W, "batch inst hidden, inst hidden feature -> batch inst feature")
        return F.relu(out + self.b)


def polysemanticity(W: Tensor, fraction: float = 0.25) -> Tensor:
    """How many features drive each neuron of the model with a ReLU hidden layer, h = ReLU(W x).

    Show the model one feature at a time, with value 1: neuron n answers with ReLU(W[n, i]). A feature drives the neuron if
    this answer is positive and at least `fraction` of the neuron's largest answer to any feature.

    Args:
        W: float [instance, n_hidden, n_features].
        fraction: between 0 and 1.

    Returns:
        int64 [instance, n_hidden]; 0 for a neuron that no feature drives.

    Source: Elhage et al. 2022, on the privileged basis; the threshold is ours.
    """
    answers = F.relu(W)
    strongest = answers.max(dim=-1, keepdim=True).values
    return ((answers > 0) & (answers >= fraction * strongest)).sum(dim=-1)


# --- 6. investigation ---


def name_the_geometry(model: nn.Module) -> dict:
    """Say how an unknown toy model has packed its features.

    The model is `mystery_geometry(LEARNER)`: it has the parameters and the forward of a `ToyModel` of one instance, and is
    drawn afresh for every name. It keeps some of its features and drops the others. Those that it keeps stand in groups:
    within a group features disturb each other, between groups they do not, and each group fills a subspace of its own.

    The judge does not compare your answer with a list; it tries it out on the model. x_i is an input that holds feature i
    alone, with value 1; features i and j DISTURB each other if output i or output j differs by more than 0.15 between an
    input with both (each 1) and the input with that feature alone.
        dropped: adding the feature to no feature at all, or to any other one, changes no output by more than 0.15;
        kept (in one of your groups): output i is at least 0.3 higher on x_i than on an input of zeros;
        one group: its features hang together: from each one leads a way to each other one, along pairs that disturb each
            other (not every pair must);
        two groups: no feature of one disturbs a feature of the other;
        dimensions: hidden states W x of inputs with features of this group only span so many dimensions (noise of less than
            0.3, as a singular value of the group's columns, does not count as one).

    Args:
        model: x float [batch, 1, n_features] to x' of the same shape; model.W is [1, n_hidden, n_features], model.b
            [1, n_features]. You may work the answer out here, with any function of this chapter, or find it in a notebook
            and return it as it is.

    Returns:
        {"dropped": [feature, ...], "groups": [[feature, ...], ...], "dimensions": [...]}: each feature stands in exactly one
        place, in "dropped" or in one group; a kept feature that disturbs no other is a group of its own. "dimensions" says,
        in the order of the groups, how many dimensions each fills, as whole numbers. The order of groups, and of features
        within them, does not matter. Features are counted from 0.
    """
    W = model.W.detach()
    kept = represented(W)[0]
    touches = interference(W)[0].abs() > 0.1
    groups: list[list[int]] = []
    unseen = set(kept.nonzero().flatten().tolist())
    while unseen:
        group, new = [], [min(unseen)]
        while new:
            feature = new.pop()
            unseen.discard(feature)
            group.append(feature)
            new += [other for other in sorted(unseen) if touches[feature, other] and other not in new]
        groups.append(sorted(group))
    shares = feature_dimensionality(W)[0]
    dimensions = [round(shares[group].sum().item()) for group in groups]
    return {"dropped": (~kept).nonzero().flatten().tolist(), "groups": groups, "dimensions": dimensions}
