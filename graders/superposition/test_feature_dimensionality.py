"""feature_dimensionality: named shapes whose shares are known, a slow loop, and what must not change them."""

import math

import pytest
import torch

from dojo.grading import compare, mistake

WHAT, AXES = "the tensor of dimensionalities", "instance feature"
# Corners of well-known bodies, all of the same length: each of n corners has the share m / n of m dimensions.
ROOT_2 = math.sqrt(2)
SHAPES = {
    "a digon": [(1.0,), (-1.0,)],
    "a triangle": [(math.cos(a * math.tau / 3), math.sin(a * math.tau / 3)) for a in range(3)],
    "a pentagon": [(math.cos(a * math.tau / 5), math.sin(a * math.tau / 5)) for a in range(5)],
    "a tetrahedron": [(1.0, 1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0)],
    "a square antiprism": [(x, y, 1.0) for x in (1.0, -1.0) for y in (1.0, -1.0)]
    + [(ROOT_2, 0.0, -1.0), (-ROOT_2, 0.0, -1.0), (0.0, ROOT_2, -1.0), (0.0, -ROOT_2, -1.0)],
}
SHARES = {
    "a digon": 1 / 2,
    "a triangle": 2 / 3,
    "a pentagon": 2 / 5,
    "a tetrahedron": 3 / 4,
    "a square antiprism": 3 / 8,
}


def by_hand(W):
    """The definition, one feature at a time."""
    out = torch.zeros(len(W), W.shape[-1])
    for a, one in enumerate(W):
        columns = [[float(v) for v in column] for column in one.T]
        for i, mine in enumerate(columns):
            length = math.sqrt(sum(v * v for v in mine))
            if length > 0:
                shared = sum((sum(v / length * w for v, w in zip(mine, other, strict=True))) ** 2 for other in columns)
                out[a, i] = length**2 / shared
    return out


def draw(rand, instances, hidden, features):
    """Columns of clearly different lengths."""
    return rand.normal(instances, hidden, features) * rand.uniform(instances, 1, features, low=0.3, high=1.6)


def test_by_hand(submission):
    """(1, 0) and (-0.5, 0) share a dimension, 0.8 to 0.2; (0, 3) has the other one to itself."""
    W = torch.tensor([[[1.0, -0.5, 0.0], [0.0, 0.0, 3.0]]])
    compare(submission.feature_dimensionality(W), torch.tensor([[0.8, 0.2, 1.0]]), what=WHAT, axes=AXES)


@pytest.mark.parametrize("name", list(SHAPES))
def test_known_shapes(submission, name):
    """The corners of a digon, triangle, pentagon, tetrahedron and square antiprism have 1/2, 2/3, 2/5, 3/4 and 3/8."""
    corners = torch.tensor(SHAPES[name]).T
    W = torch.stack([corners, 1.7 * corners])  # how large the body is makes no difference
    expected = torch.full((2, W.shape[-1]), SHARES[name])
    compare(submission.feature_dimensionality(W), expected, what=f"{WHAT} of {name}", axes=AXES, atol=1e-3)


def test_drawn_directions(submission, rand):
    """Three models of six features in four dimensions, all of different lengths."""
    W = draw(rand, 3, 4, 6)
    compare(submission.feature_dimensionality(W), by_hand(W), what=WHAT, axes=AXES)


def test_a_short_feature_with_a_dimension(submission, rand):
    """A feature that meets no other has a whole dimension, however short it is; so have all, where there is room."""
    W = torch.zeros(2, 4, 3)
    W[0, 1, 0], W[0, 3, 1], W[0, 0, 2] = 0.2, -1.3, 1.0
    W[1, 2, 0], W[1, 0, 1], W[1, 3, 2] = 2.5, 0.3, -0.4
    compare(submission.feature_dimensionality(W), torch.ones(2, 3), what=WHAT, axes=AXES)


def test_very_short_features(submission):
    """Short is not zero: a column of length 0.01 that meets no other has a whole dimension, and shares one like any other."""
    W = torch.tensor([[[1e-2, 0.0, 0.0], [0.0, 2e-2, -1e-2]]])
    compare(submission.feature_dimensionality(W), torch.tensor([[1.0, 0.8, 0.2]]), what=WHAT, axes=AXES, atol=1e-3)


def test_dropped_features(submission, rand):
    """A feature whose direction is the zero vector has 0, and the others are what they are without it."""
    W = draw(rand, 2, 3, 5)
    W[0, :, 1] = 0
    W[1, :, [0, 3]] = 0
    compare(submission.feature_dimensionality(W), by_hand(W), what=WHAT, axes=AXES)
    out = submission.feature_dimensionality(torch.zeros(2, 3, 4))
    compare(out, torch.zeros(2, 4), what=f"{WHAT} where W is zero", axes=AXES)


def test_turning_changes_nothing(submission, rand):
    """Turning the whole hidden space leaves every share as it is."""
    W = draw(rand, 2, 3, 7)
    turn = torch.linalg.qr(rand.normal(3, 3)).Q
    compare(submission.feature_dimensionality(turn @ W), by_hand(W), what=WHAT, axes=AXES)


def unit(W):
    return W / W.norm(dim=-2, keepdim=True).clamp(min=1e-12)


def dots(left, right):
    """Entry i, j: column i of the first times column j of the second."""
    return left.transpose(-1, -2) @ right


def share(top, bottom):
    return torch.where(bottom > 0, top / bottom.clamp(min=1e-12), 0.0)


def right(W):
    return share(W.pow(2).sum(dim=-2), dots(unit(W), W).pow(2).sum(dim=-1))


@mistake("A feature of length 0 gives nan, 0 divided by 0: it has no share, return 0.")
def nan_for_dropped(W):
    W_hat = W / W.norm(dim=-2, keepdim=True)
    return W.pow(2).sum(dim=-2) / dots(W_hat, W).pow(2).sum(dim=-1)


@mistake("A feature of length 0 gets 1: its share is 0.")
def one_for_dropped(W):
    return torch.where(W.norm(dim=-2) > 0, right(W), 1.0)


@mistake("j = i is left out of the sum: it counts too, or a feature that is alone has 1 / 0.")
def without_itself(W):
    overlaps = dots(unit(W), W).pow(2)
    overlaps = overlaps - torch.diag_embed(overlaps.diagonal(dim1=-2, dim2=-1))
    return share(W.pow(2).sum(dim=-2), overlaps.sum(dim=-1))


@mistake("Both directions are normalised in the sum: only W_i is; a long neighbour takes more than a short one.")
def both_normalised(W):
    return share(W.pow(2).sum(dim=-2), dots(unit(W), unit(W)).pow(2).sum(dim=-1))


@mistake(
    "Nothing is normalised: W_i has length 1 in the sum, or long features get less (a 1 on top of the fraction is the same)."
)
def none_normalised(W):
    return share(W.pow(2).sum(dim=-2), dots(W, W).pow(2).sum(dim=-1))


@mistake("The wrong direction is normalised: W_i has the hat and W_j has not (or the sum ran over the wrong axis).")
def other_normalised(W):
    return share(W.pow(2).sum(dim=-2), dots(W, unit(W)).pow(2).sum(dim=-1))


@mistake("The dot products are not squared: take (W_i_hat . W_j)^2.")
def absolute(W):
    return share(W.pow(2).sum(dim=-2), dots(unit(W), W).abs().sum(dim=-1))


@mistake("You square the sum: square each dot product, then add; else opposite signs cancel.")
def squared_sum(W):
    return share(W.pow(2).sum(dim=-2), dots(unit(W), W).sum(dim=-1).pow(2))


@mistake("The numerator is the length: it is the squared length.")
def length_on_top(W):
    return share(W.norm(dim=-2), dots(unit(W), W).pow(2).sum(dim=-1))


@mistake("The fraction stands on its head: you return how many features share with each one.")
def upside_down(W):
    return share(dots(unit(W), W).pow(2).sum(dim=-1), W.pow(2).sum(dim=-2))


@mistake("You normalise rows of W: a feature's direction is a column, along dimension -2.")
def rows_normalised(W):
    W_hat = W / W.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    return share(W.pow(2).sum(dim=-2), dots(W_hat, W).pow(2).sum(dim=-1))


@mistake(
    "You return dimensions per feature, n_hidden / |W|^2, for the whole model: each feature has a share of its own."
)
def per_model(W):
    return share(torch.tensor(float(W.shape[-2])), W.pow(2).sum(dim=(-2, -1)))[:, None].expand(-1, W.shape[-1])


@mistake("The shares are scaled so that they add up to n_hidden: they need not; leave them as they are.")
def scaled_to_fit(W):
    shares = right(W)
    return shares * share(torch.tensor(float(W.shape[-2])), shares.sum(dim=-1, keepdim=True))


@mistake("Only positive dot products are counted: negative ones take room as well.")
def positive_only(W):
    return share(W.pow(2).sum(dim=-2), dots(unit(W), W).clamp(min=0).pow(2).sum(dim=-1))


@mistake("Features shorter than 0.5 are left out of the sum: all features count, by their length.")
def only_represented(W):
    kept = (W.norm(dim=-2) > 0.5)[:, None] | torch.eye(W.shape[-1]).bool()
    return share(W.pow(2).sum(dim=-2), (dots(unit(W), W).pow(2) * kept).sum(dim=-1))


@mistake("Features shorter than 0.5 get 0: only the zero vector does.")
def zero_for_short_ones(W):
    return right(W) * (W.norm(dim=-2) > 0.5)


@mistake("The instances' features share one space in your sum: each instance is a model of its own.")
def across_instances(W):
    overlaps = torch.einsum("ahi,bhj->aibj", unit(W), W).pow(2).sum(dim=(-2, -1))
    return share(W.pow(2).sum(dim=-2), overlaps)


@mistake("You take the average over j: it is a sum.")
def averaged(W):
    return share(W.pow(2).sum(dim=-2), dots(unit(W), W).pow(2).mean(dim=-1))
