"""phase_diagram: grids whose cells are made to order, and a slow loop over restarts, rows and columns."""

import math

import pytest
import torch

from dojo.grading import compare, mistake

WHAT, AXES = "the diagram", "row column"


def by_hand(W, losses, feature):
    restarts, rows, columns = losses.shape
    out = torch.zeros(rows, columns, dtype=torch.int64)
    for r in range(rows):
        for c in range(columns):
            best = min(range(restarts), key=lambda k: float(losses[k, r, c]))
            vectors = [[float(v) for v in column] for column in W[best, r, c].T]
            mine = vectors.pop(feature)
            length = math.sqrt(sum(v * v for v in mine))
            if length <= 0.5:
                continue
            shared = sum((sum(v / length * w for v, w in zip(mine, other, strict=True))) ** 2 for other in vectors)
            out[r, c] = 1 if shared <= 0.25 else 2
    return out


def draw_losses(rand, *shape):
    """Losses without ties."""
    count = math.prod(shape)
    return (rand.permutation(count).float() / count + 0.1).view(shape)


def draw(rand, restarts, rows, columns, hidden, features):
    """Columns of drawn lengths, in directions of which many are nearly orthogonal."""
    W = rand.normal(restarts, rows, columns, hidden, features)
    W = W.sign() * W.abs().pow(3)
    lengths = rand.uniform(restarts, rows, columns, 1, features, low=0.2, high=1.4)
    return W / W.norm(dim=-2, keepdim=True) * lengths, draw_losses(rand, restarts, rows, columns)


def test_two_features_in_one_dimension(submission):
    """The three cases: W = [1, 0] drops the last feature, [0, 1] gives it the dimension, [1, -1] shares it."""
    W = torch.tensor([[[[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, -1.0]]]]])
    compare(submission.phase_diagram(W, torch.ones(1, 1, 3)), torch.tensor([[0, 1, 2]]), what=WHAT, axes=AXES)


def test_the_best_restart_counts(submission):
    """In each cell the restart with the smallest loss there decides, whatever the others did."""
    dropped, own, shared = [[1.0, 0.0]], [[0.0, 1.0]], [[0.9, -0.9]]
    W = torch.tensor([[[dropped, shared, own]], [[own, dropped, shared]], [[shared, own, dropped]]])
    losses = torch.tensor([[[0.3, 0.2, 0.9]], [[0.2, 0.3, 0.8]], [[0.5, 0.1, 0.1]]])
    compare(submission.phase_diagram(W, losses), torch.tensor([[1, 1, 0]]), what=WHAT, axes=AXES)


@pytest.mark.parametrize("feature", [-1, 0, 2, -3])
def test_drawn_grids(submission, rand, feature):
    """Every cell of a grid of 5 by 7, from 3 restarts of models with four features, for several features."""
    W, losses = draw(rand, 3, 5, 7, 2, 4)
    expected = by_hand(W, losses, feature)
    compare(submission.phase_diagram(W, losses, feature), expected, what=f"{WHAT} of feature {feature}", axes=AXES)


def test_the_last_feature_unless_told(submission, rand):
    """Without a third argument the last feature is looked at."""
    W, losses = draw(rand, 2, 6, 4, 3, 5)
    compare(submission.phase_diagram(W, losses), by_hand(W, losses, 4), what=WHAT, axes=AXES)


def test_on_the_border(submission):
    """A length of exactly 0.5 is not learned; interference of exactly 0.25 still leaves a dimension of its own."""
    W = torch.tensor([[[[[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.75], [2.0, 0.0]], [[0.53125, 0.75], [2.0, 0.0]]]]])
    losses = torch.ones(1, 1, 3)
    compare(submission.phase_diagram(W, losses), torch.tensor([[0, 1, 2]]), what=WHAT, axes=AXES)
    single = torch.tensor([[[[[0.0]], [[0.75]]]]])
    out = submission.phase_diagram(single, torch.ones(1, 1, 2))
    compare(out, torch.tensor([[0, 1]]), what=f"{WHAT} of a model with a single feature", axes=AXES)


def chosen(W, losses):
    """The models of the best restarts, [row, column, n_hidden, n_features]."""
    rows, columns = losses.shape[1:]
    return W[losses.argmin(dim=0), torch.arange(rows)[:, None], torch.arange(columns)]


def measures(W, feature):
    """Length, and the dot products of the unit vector with all columns, 0 with its own."""
    direction = W[..., feature]
    length = direction.norm(dim=-1)
    unit = direction / length[..., None].clamp(min=1e-12)
    onto = (unit[..., None, :] @ W)[..., 0, :]
    onto[..., feature] = 0
    return length, onto


def judge(length, shared, at=0.5):
    return torch.where(length <= at, 0, torch.where(shared <= 0.25, 1, 2))


def verdict(W, feature):
    length, onto = measures(W, feature)
    return judge(length, onto.pow(2).sum(dim=-1))


@mistake("A length of exactly 0.5 counts as learned in yours: it has to be more than 0.5.")
def half_is_learned(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return torch.where(length < 0.5, 0, torch.where(onto.pow(2).sum(dim=-1) <= 0.25, 1, 2))


@mistake("A sum of exactly 0.25 counts as superposition in yours: it has to be more than 0.25.")
def quarter_is_superposition(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return torch.where(length <= 0.5, 0, torch.where(onto.pow(2).sum(dim=-1) < 0.25, 1, 2))


@mistake("The largest loss is chosen: the best restart has the smallest.")
def worst_restart(W, losses, feature=-1):
    return verdict(chosen(W, -losses), feature)


@mistake("Always the first restart: in each cell take the one with the smallest loss there.")
def first_restart(W, losses, feature=-1):
    return verdict(W[0], feature)


@mistake("One restart is chosen for the whole grid: each cell has a best restart of its own.")
def one_for_all(W, losses, feature=-1):
    return verdict(W[losses.mean(dim=(1, 2)).argmin()], feature)


@mistake("W is averaged over restarts: [1, -1] and [-1, 1] are equally good, and their mean is nothing.")
def mean_restart(W, losses, feature=-1):
    return verdict(W.mean(dim=0), feature)


@mistake("You judge each restart and take the most frequent answer: the smallest loss decides, alone.")
def majority(W, losses, feature=-1):
    return torch.stack([verdict(one, feature) for one in W]).mode(dim=0).values


@mistake("The argument `feature` is ignored: you look at the last one always.")
def always_the_last(W, losses, feature=-1):
    return verdict(chosen(W, losses), -1)


@mistake("You look at feature 0 always: use `feature`.")
def always_the_first(W, losses, feature=-1):
    return verdict(chosen(W, losses), 0)


@mistake(
    "j = i is in the sum: a feature's own squared length is more than 0.25 always, so nothing has its own dimension."
)
def itself_too(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return judge(length, onto.pow(2).sum(dim=-1) + length.pow(2))


@mistake("W_i is not normalised in the sum: divide it by its length, and leave W_j as it is.")
def not_normalised(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return judge(length, (onto * length[..., None]).pow(2).sum(dim=-1))


@mistake("Both directions are normalised: a short neighbour takes little, so W_j keeps its length.")
def cosines(W, losses, feature=-1):
    W = chosen(W, losses)
    length, onto = measures(W, feature)
    return judge(length, (onto / W.norm(dim=-2).clamp(min=1e-12)).pow(2).sum(dim=-1))


@mistake("The other direction is normalised: W_i has the hat, and W_j has not.")
def other_normalised(W, losses, feature=-1):
    W = chosen(W, losses)
    length, onto = measures(W, feature)
    cosine = onto / W.norm(dim=-2).clamp(min=1e-12)
    return judge(length, (cosine * length[..., None]).pow(2).sum(dim=-1))


@mistake("The dot products are not squared before they are added.")
def absolute(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return judge(length, onto.abs().sum(dim=-1))


@mistake("You square the sum of the dot products: square each, then add; else opposite signs cancel.")
def squared_sum(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return judge(length, onto.sum(dim=-1).pow(2))


@mistake("You look at the strongest neighbour alone: several weak ones share the dimension too, so add them up.")
def strongest_neighbour(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return judge(length, onto.pow(2).amax(dim=-1))


@mistake("The squared length is compared with 0.5: compare the length.")
def squared_length(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return judge(length.pow(2), onto.pow(2).sum(dim=-1))


@mistake("1 and 2 are swapped: 1 is a dimension of its own, 2 is superposition.")
def swapped(W, losses, feature=-1):
    return torch.tensor([0, 2, 1])[verdict(chosen(W, losses), feature)]


@mistake("0 is never given: a feature whose length is at most 0.5 is not learned, whatever it interferes with.")
def never_dropped(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    return judge(length, onto.pow(2).sum(dim=-1), at=-1.0)


@mistake("Rows and columns are swapped.")
def transposed(W, losses, feature=-1):
    return verdict(chosen(W, losses), feature).T


@mistake("You ask whether the dimensionality is below 1/2: an antipodal pair has exactly 1/2. The rule is the sum.")
def by_dimensionality(W, losses, feature=-1):
    length, onto = measures(chosen(W, losses), feature)
    share = length.pow(2) / (length.pow(2) + onto.pow(2).sum(dim=-1)).clamp(min=1e-12)
    return torch.where(length <= 0.5, 0, torch.where(share >= 0.5, 1, 2))


@mistake("You count kept features: more of them than dimensions says that some share, and not whether this one does.")
def by_count(W, losses, feature=-1):
    W = chosen(W, losses)
    crowded = (W.norm(dim=-2) > 0.5).sum(dim=-1) > W.shape[-2]
    return torch.where(W[..., feature].norm(dim=-1) <= 0.5, 0, torch.where(crowded, 2, 1))


@mistake("The result is made of floats: return whole numbers.")
def floats(W, losses, feature=-1):
    return verdict(chosen(W, losses), feature).float()
