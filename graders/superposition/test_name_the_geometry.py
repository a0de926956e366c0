"""name_the_geometry: the claim is tried out on the model that the learner's name draws, with inputs that hold one feature or two.

There is no list of right answers here: the model's outputs say whether what is claimed is so.
"""

from functools import lru_cache

import numpy as np
import pytest
import torch

import solutions.superposition as ref
from dojo.grading import mistake
from dojo.grading.bench import Missing
from dojo.grading.comparison import Mismatch, describe
from dojo.planted import mystery_geometry

TRACE, BACK, DISTURBED, NOISE = 0.15, 0.3, 0.15, 0.3
FORM = 'Return {"dropped": [feature, ...], "groups": [[feature, ...], ...], "dimensions": [number, ...]}.'


class Trial:
    """A model's outputs with no feature, with one, and with two."""

    @torch.no_grad()
    def __init__(self, name):
        model = mystery_geometry(name)
        self.W = model.W.detach()[0]
        self.n = n = self.W.shape[1]
        one = torch.eye(n)
        self.none = model(torch.zeros(1, 1, n))[0, 0]
        self.alone = model(one[:, None])[:, 0]  # [shown, output]
        two = torch.maximum(one[:, None], one[None])  # [shown, shown too, feature]
        self.both = model(two.reshape(-1, 1, n)).reshape(n, n, n)

    def change(self, i, j):
        """How much the output of feature i changes when j comes as well."""
        return float((self.both[i, j, i] - self.alone[i, i]).abs())

    def disturb(self, i, j):
        return max(self.change(i, j), self.change(j, i)) > DISTURBED


@lru_cache(maxsize=4)
def _trial(name):
    return Trial(name)


def _learner(submission):
    try:
        name = submission.LEARNER
    except Missing:
        name = None
    if type(name) is not str or not name.strip():
        raise Mismatch("type", 'The model is drawn from your name: write LEARNER = "..." with your name in it.')
    return name


def _items(value):
    """The entries of a list, a tuple, a set or a row of numbers; None if it is nothing of the kind."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.tolist() if value.ndim == 1 else None
    return list(value) if isinstance(value, list | tuple | set | frozenset) else None


def _whole(value):
    """The whole number that `value` is, or None."""
    if isinstance(value, torch.Tensor | np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int else None


def _features(values, what, n):
    items = _items(values)
    if items is None:
        raise Mismatch("type", f"{what} is {describe(values)}, expected a list of features. {FORM}")
    found = [_whole(item) for item in items]
    for item, feature in zip(items, found, strict=True):
        if feature is None:
            raise Mismatch("type", f"In {what} stands {describe(item)}, expected the number of a feature. {FORM}")
        if not 0 <= feature < n:
            raise Mismatch("value", f"There is no feature {feature}: this model's go from 0 to {n - 1}.")
    return found


def _claim(submission, kit):
    """The learner's claim as (dropped, groups, dimensions), with whatever is wrong with its form said first."""
    name = _learner(submission)
    answer, n = kit.geometry_claim(submission.name_the_geometry, name), _trial(name).n
    if answer is None:
        raise Mismatch("type", f"The claim is None: is a `return` missing? {FORM}")
    if not isinstance(answer, dict):
        raise Mismatch("type", f"The claim is {describe(answer)}. {FORM}")
    if set(answer) != {"dropped", "groups", "dimensions"}:
        raise Mismatch("type", f"The claim has the entries {', '.join(map(repr, sorted(map(str, answer))))}. {FORM}")
    groups, sizes = _items(answer["groups"]), _items(answer["dimensions"])
    if groups is None or sizes is None:
        wrong = "groups" if groups is None else "dimensions"
        raise Mismatch("type", f"The entry '{wrong}' is {describe(answer[wrong])}, expected a list. {FORM}")
    dropped = _features(answer["dropped"], "'dropped'", n)
    groups = [_features(group, "a group", n) for group in groups]
    if [] in groups:
        raise Mismatch("value", "One of the groups is empty.")
    named = sorted([*dropped, *(feature for group in groups for feature in group)])
    for feature in range(n):
        if named.count(feature) == 0:
            raise Mismatch(
                "value",
                f"Feature {feature} stands nowhere. Each feature is dropped or in one group; one that is kept and disturbs no "
                "other is a group of its own.",
            )
        if named.count(feature) > 1:
            raise Mismatch("value", f"Feature {feature} is named {named.count(feature)} times: each has one place.")
    if len(sizes) != len(groups):
        raise Mismatch("value", f"There are {len(groups)} groups and {len(sizes)} dimensions: name one for each group.")
    for size in sizes:
        if (_whole(size) or 0) < 1:
            raise Mismatch("value", f"{str(size)[:40]} is no number of dimensions: they are whole, and at least 1.")
    return dropped, groups, [_whole(size) for size in sizes]


@pytest.fixture
def claim(submission, kit):
    return _claim(submission, kit)


@pytest.fixture
def trial(submission):
    return _trial(_learner(submission))


def test_the_form_of_the_claim(claim):
    """Each feature has one place, and each group a number of dimensions. (The model is drawn from LEARNER: your name.)"""


def test_dropped_features_leave_no_trace(claim, trial):
    """A feature that you call dropped changes no output, whatever else is there."""
    for feature in claim[0]:
        before = torch.cat([trial.none[None], trial.alone])
        after = torch.cat([trial.alone[feature][None], trial.both[:, feature]])
        change = (after - before).abs().max(dim=0).values
        output = int(change.argmax())
        assert change[output] <= TRACE, (
            f"You call feature {feature} dropped, but it is heard: it changes output {output} by up to {change[output]:.2f}."
        )


def test_kept_features_come_back(claim, trial):
    """A feature that stands in a group comes back when it is shown alone."""
    for feature in (feature for group in claim[1] for feature in group):
        rise = float(trial.alone[feature, feature] - trial.none[feature])
        assert rise >= BACK, (
            f"You call feature {feature} kept. Shown alone, with value 1, its output is {trial.alone[feature, feature]:.2f}; "
            f"with nothing shown it is {trial.none[feature]:.2f}. The model does not tell the two apart: it is dropped."
        )


def test_groups_hang_together(claim, trial):
    """Features of one group disturb each other, at least along a chain."""
    for group in claim[1]:
        reached, new = set(), [group[0]]
        while new:
            feature = new.pop()
            reached.add(feature)
            new += [f for f in group if f not in reached and f not in new and trial.disturb(feature, f)]
        left = [f for f in group if f not in reached]
        assert not left, (
            f"In the group {sorted(group)}, nothing leads from {sorted(reached)} to {left}: shown together, they leave each "
            "other's outputs as they are. They belong to different groups."
        )


def test_groups_leave_each_other_alone(claim, trial):
    """Features of different groups do not disturb each other."""
    groups = claim[1]
    for g, group in enumerate(groups):
        for i, j in [(i, j) for i in group for other in groups[g + 1 :] for j in other]:
            if trial.disturb(i, j):
                i, j = (i, j) if trial.change(i, j) >= trial.change(j, i) else (j, i)
                raise AssertionError(
                    f"You put features {i} and {j} into different groups. But output {i} is {trial.alone[i, i]:.2f} when {i} "
                    f"is shown alone, and {trial.both[i, j, i]:.2f} when {j} comes too: they share a direction."
                )


def test_dimensions(claim, trial):
    """Hidden states of inputs that hold one group's features only span as many dimensions as you say."""
    for group, size in zip(*claim[1:], strict=True):
        spans = int((torch.linalg.svdvals(trial.W[:, group]) > NOISE).sum())
        assert spans == size, (
            f"Hidden states of inputs with features of {sorted(group)} only span {spans} dimension{'s' * (spans != 1)}; "
            f"you say {size}."
        )


def _found(model):
    claim = ref.name_the_geometry(model)
    return claim["dropped"], claim["groups"], claim["dimensions"]


def _components(features, touches):
    """Groups of features that are linked by `touches`, a table."""
    groups, unseen = [], list(features)
    while unseen:
        group, new = [], [unseen.pop(0)]
        while new:
            group.append(new.pop())
            linked = [f for f in unseen if touches[group[-1], f]]
            new += linked
            unseen = [f for f in unseen if f not in linked]
        groups.append(sorted(group))
    return groups


def _filled(model, groups):
    """How many dimensions groups fill, at least one each."""
    return [max(1, int((torch.linalg.svdvals(model.W.detach()[0][:, g]) > NOISE).sum())) for g in groups]


@mistake("You drop no feature. Some columns of W are nearly zero: shown alone, such a feature does not come back.")
def nothing_dropped(model):
    dropped, groups, dimensions = _found(model)
    return {"dropped": [], "groups": groups + [[f] for f in dropped], "dimensions": dimensions + [1] * len(dropped)}


@mistake(
    "You compare directions only (cosines): a column of length 0.06 that points where a kept one points disturbs nobody. Sort "
    "out the dropped features first, by length."
)
def by_cosine(model):
    W = model.W.detach()[0]
    unit = W / W.norm(dim=0)
    groups = _components(range(W.shape[1]), (unit.T @ unit).abs() > 0.5)
    return {"dropped": [], "groups": groups, "dimensions": _filled(model, groups)}


@mistake(
    "You take a feature as kept if its output is not 0. The output of a dropped one is a guess, its bias, the same whatever is "
    "shown. Ask whether the output CHANGES."
)
def a_guess_taken_for_an_answer(model):
    dropped, groups, dimensions = _found(model)
    n = model.W.shape[-1]
    heard = model(torch.eye(n)[:, None])[:, 0].diagonal()
    guesses = [f for f in dropped if heard[f] > 0.03]
    return {
        "dropped": [f for f in dropped if f not in guesses],
        "groups": groups + [[f] for f in guesses],
        "dimensions": dimensions + [1] * len(guesses),
    }


@mistake(
    "You call features dropped that share a direction with others. They come back when they are shown alone: kept."
)
def superposed_taken_for_dropped(model):
    dropped, groups, _ = _found(model)
    return {
        "dropped": sorted(dropped + [f for group in groups for f in group[1:]]),
        "groups": [group[:1] for group in groups],
        "dimensions": [1] * len(groups),
    }


@mistake(
    "All kept features are in one group. Products of 0.02 are noise, not interference: set a threshold between noise and what "
    "is left in the table."
)
def one_group(model):
    dropped, groups, _ = _found(model)
    kept = sorted(f for group in groups for f in group)
    return {"dropped": dropped, "groups": [kept], "dimensions": _filled(model, [kept])}


@mistake("Each kept feature is a group of its own. Many disturb each other: look at the table of interference.")
def every_feature_alone(model):
    dropped, groups, _ = _found(model)
    kept = sorted(f for group in groups for f in group)
    return {"dropped": dropped, "groups": [[f] for f in kept], "dimensions": [1] * len(kept)}


@mistake(
    "A group is what its first feature touches. Where features stand in a chain, the neighbour's neighbour belongs to it too: "
    "go on until nothing new comes."
)
def neighbours_only(model):
    dropped, groups, _ = _found(model)
    touches = ref.interference(model.W.detach())[0].abs() > 0.1
    found = []
    for group in groups:
        # from the end that touches the fewest
        start = min(group, key=lambda f: int(touches[f, group].sum()))
        near = [f for f in group if f == start or touches[start, f]]
        found += [part for part in (near, [f for f in group if f not in near]) if part]
    return {"dropped": dropped, "groups": found, "dimensions": _filled(model, found)}


@mistake(
    "You count only interference that pushes upwards, or look at outputs when one feature is shown alone. What pushes "
    "downwards is hidden by ReLU then, and shows when both features are there: take absolute values."
)
def upwards_only(model):
    dropped, groups, _ = _found(model)
    kept = sorted(f for group in groups for f in group)
    found = _components(kept, ref.interference(model.W.detach())[0] > 0.1)
    return {"dropped": dropped, "groups": found, "dimensions": _filled(model, found)}


@mistake(
    "Your threshold for interference, three quarters, is too high: in a chain, and in groups of three and four, neighbours push "
    "each other by less."
)
def threshold_too_high(model):
    dropped, groups, _ = _found(model)
    kept = sorted(f for group in groups for f in group)
    found = _components(kept, ref.interference(model.W.detach())[0].abs() > 0.75)
    return {"dropped": dropped, "groups": found, "dimensions": _filled(model, found)}


@mistake(
    "Features with the same share of a dimension are one group for you. Two digons have the same shares and nothing to do with "
    "each other: who shares with WHOM is in the table of interference."
)
def by_share(model):
    dropped, groups, _ = _found(model)
    shares = ref.feature_dimensionality(model.W.detach())[0]
    kept = sorted(f for group in groups for f in group)
    found = _components(kept, (shares[:, None] - shares).abs() < 0.05)
    return {"dropped": dropped, "groups": found, "dimensions": _filled(model, found)}


@mistake(
    "You group features by the neuron in which their column is largest. This basis is turned at random: it says nothing."
)
def by_neuron(model):
    dropped, groups, _ = _found(model)
    kept = sorted(f for group in groups for f in group)
    neuron = model.W.detach()[0].abs().argmax(dim=0)
    found = _components(kept, neuron[:, None] == neuron)
    return {"dropped": dropped, "groups": found, "dimensions": _filled(model, found)}


@mistake("You say how many features each group has. How many dimensions do they share?")
def sizes_for_dimensions(model):
    dropped, groups, _ = _found(model)
    return {"dropped": dropped, "groups": groups, "dimensions": [len(group) for group in groups]}


@mistake(
    "You take one dimension less than features. So it is for a digon, a triangle, a tetrahedron; other shapes pack more into a "
    "dimension: add up the shares."
)
def one_less_than_features(model):
    dropped, groups, _ = _found(model)
    return {"dropped": dropped, "groups": groups, "dimensions": [max(1, len(group) - 1) for group in groups]}


@mistake("Your dimensions are the share of one feature of the group: add up the shares of all its features.")
def share_of_one_feature(model):
    dropped, groups, _ = _found(model)
    shares = ref.feature_dimensionality(model.W.detach())[0]
    return {"dropped": dropped, "groups": groups, "dimensions": [shares[group[0]].item() for group in groups]}


@mistake("Your dimensions are not whole numbers: the sum of a group's shares is one but for noise, so round it.")
def not_rounded(model):
    dropped, groups, _ = _found(model)
    shares = ref.feature_dimensionality(model.W.detach())[0]
    return {"dropped": dropped, "groups": groups, "dimensions": [shares[group].sum().item() for group in groups]}


@mistake("The dimensions stand in another order than the groups.")
def dimensions_sorted(model):
    dropped, groups, dimensions = _found(model)
    order = sorted(dimensions)
    return {"dropped": dropped, "groups": groups, "dimensions": order if order != dimensions else order[::-1]}


@mistake(
    "Your numbers count the kept features only (after W[:, :, kept]): translate them back into the model's own features."
)
def counted_among_the_kept(model):
    dropped, groups, dimensions = _found(model)
    kept = sorted(f for group in groups for f in group)
    return {"dropped": dropped, "groups": [[kept.index(f) for f in g] for g in groups], "dimensions": dimensions}


@mistake("You count features from 1: the first is feature 0.")
def counted_from_1(model):
    dropped, groups, dimensions = _found(model)
    plus_1 = [[f + 1 for f in group] for group in [dropped, *groups]]
    return {"dropped": plus_1[0], "groups": plus_1[1:], "dimensions": dimensions}


@mistake("Features with a dimension of their own are missing: each is a group of one.")
def without_groups_of_one(model):
    dropped, groups, dimensions = _found(model)
    keep = [i for i, group in enumerate(groups) if len(group) > 1]
    return {"dropped": dropped, "groups": [groups[i] for i in keep], "dimensions": [dimensions[i] for i in keep]}


@mistake("That is the groups alone: say which features are dropped, and how many dimensions each group fills.")
def groups_alone(model):
    return _found(model)[1]


@mistake("Nothing is returned.")
def returns_nothing(model):
    return None
