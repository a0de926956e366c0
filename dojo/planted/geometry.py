"""Chapter 4's closing investigation: how has this toy model packed its features?

What is planted is an orthogonal sum of groups, as Elhage et al. 2022 found in trained toy models: each group fills a
subspace of its own, and within it the features stand as a polytope does (a digon in one dimension, a triangle or a pentagon
in two, a tetrahedron or a square antiprism in three), or as a chain, in which each feature disturbs its neighbours only.
Other features are dropped: their columns are nearly zero, and their biases are guesses.

What a single look takes for evidence is planted too: the basis of the hidden space is turned at random; one or two dropped
features point exactly where kept ones do; the two of a digon may differ in length; ReLU hides what pushes downwards.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dojo.planted.compiler import draw, generator, shuffled

N_HIDDEN, NOISE = 10, 0.008
DROPPED = 0.06  # how long the column of a dropped feature is
FIRM = 0.75  # no column of a kept feature is shorter
DIMENSIONS = {
    "own dimension": 1,
    "digon": 1,
    "triangle": 2,
    "pentagon": 2,
    "chain of three": 2,
    "chain of four": 3,
    "tetrahedron": 3,
    "square antiprism": 3,
}


class PackedModel(nn.Module):
    """A toy model whose weights are set: x [batch, 1, n_features] to ReLU(W^T W x + b). W [1, n_hidden, n_features]."""

    def __init__(self, W: Tensor, b: Tensor):
        super().__init__()
        self.W, self.b = nn.Parameter(W), nn.Parameter(b)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.einsum("nif,ihf->nih", x, self.W)
        return F.relu(torch.einsum("nih,ihf->nif", hidden, self.W) + self.b)


def mystery_geometry(name: str) -> PackedModel:
    """A toy model of one instance with 10 hidden dimensions, whose packing is drawn from `name`.

    It keeps 15 to 21 features, in groups, and drops 2 to 4. Shown alone with value 1, a kept feature raises its
    output by 0.4 or more, while a dropped one changes no output by more than 0.1. Shown together, features of one group change
    each other's outputs by 0.25 or more, at least along a chain; features of different groups by less than 0.1. The same name
    gives the same model everywhere.
    """
    rng = generator("geometry", name)
    groups, dropped = _draw(rng)
    kept = sum(len(group) for _, group in groups)
    W, b = torch.zeros(N_HIDDEN, kept + dropped), torch.zeros(kept + dropped)
    row = 0
    for kind, features in groups:
        W[row : row + DIMENSIONS[kind], features] = _vertices(kind, rng)
        b[features] = -0.1 if kind in ("pentagon", "square antiprism") else 0.0  # against what pushes upwards
        row += DIMENSIONS[kind]
    none = [f for f in range(kept + dropped) if not W[:, f].any()]
    aligned = [group[draw(rng, 0, len(group) - 1)] for _, group in shuffled(rng, groups)[: draw(rng, 1, 2)]]
    for feature, like in zip(none, [*aligned, *[None] * len(none)], strict=False):
        direction = torch.randn(N_HIDDEN, generator=rng) if like is None else W[:, like]
        W[:, feature] = DROPPED * direction / direction.norm()
        b[feature] = 0.05 * draw(rng, 1, 6) if feature != none[-1] else 0.0  # what the model guesses in its stead
    turn = torch.linalg.qr(torch.randn(N_HIDDEN, N_HIDDEN, generator=rng).double()).Q.float()
    noise = NOISE * torch.randn(W.shape, generator=rng)
    biases = b + NOISE * torch.randn(b.shape, generator=rng)
    noise[:, none], biases[none] = 0, b[none]
    return PackedModel((turn @ (W + noise))[None], biases[None])


def _draw(rng: torch.Generator) -> tuple[list[tuple[str, list[int]]], int]:
    """Groups, as (kind, features), and the number of features that are dropped.

    In every model are a feature with a dimension of its own, a digon, a chain, and a pentagon or an antiprism.
    """
    chain = ("chain of three", "chain of four")[draw(rng, 0, 1)]
    kinds = ["own dimension", "digon", chain, ("pentagon", "square antiprism")[draw(rng, 0, 1)]]
    while (left := N_HIDDEN - sum(DIMENSIONS[kind] for kind in kinds)) > 0:
        kinds.append(shuffled(rng, [k for k in DIMENSIONS if DIMENSIONS[k] <= left and k != "square antiprism"])[0])
    sizes = [_vertices(kind, rng).shape[1] for kind in kinds]
    dropped = draw(rng, 2, 4)
    features = shuffled(rng, list(range(sum(sizes) + dropped)))
    groups = []
    for kind, size in zip(kinds, sizes, strict=True):
        groups.append((kind, sorted(features[:size])))
        features = features[size:]
    return groups, dropped


def _vertices(kind: str, rng: torch.Generator) -> Tensor:
    """The directions of a group, [dimension, feature], in a random order."""
    if kind == "own dimension":
        points = torch.tensor([[FIRM + 0.05 * draw(rng, 0, 6)]])
    elif kind == "digon":
        points = torch.tensor([[1.0], [-(FIRM + 0.05 * draw(rng, 0, 5))]])
    elif kind in ("triangle", "pentagon"):
        n = {"triangle": 3, "pentagon": 5}[kind]
        angles = 2 * math.pi * torch.arange(n) / n
        points = torch.stack([angles.cos(), angles.sin()], dim=1)
    elif kind == "square antiprism":  # the eight points on a sphere that are farthest apart (Thomson's problem)
        height, angles = 0.56, 2 * math.pi * torch.arange(8) / 8
        points = torch.stack(
            [
                math.sqrt(1 - height**2) * angles.cos(),
                math.sqrt(1 - height**2) * angles.sin(),
                height * (-1.0) ** torch.arange(8),
            ],
            dim=1,
        )
    else:  # each row is given by its products with the others
        n = {"tetrahedron": 4, "chain of three": 3, "chain of four": 4}[kind]
        apart = (torch.arange(n)[:, None] - torch.arange(n)).abs()
        if kind == "tetrahedron":
            gram = torch.where(apart == 0, 1.0, -1 / 3)
        else:  # the most that neighbours may disturb each other before the chain fills fewer than n - 1 dimensions
            gram = torch.where(apart == 0, 1.0, torch.where(apart == 1, -0.5 / math.cos(math.pi / (n + 1)), 0.0))
        lower = torch.linalg.cholesky(gram[:-1, :-1])
        last = torch.linalg.solve_triangular(lower, gram[:-1, -1:], upper=False)
        points = torch.cat([lower, last.T])
    return points[torch.randperm(len(points), generator=rng)].T
