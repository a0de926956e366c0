"""The planted geometry is what its docstring says, for many names; right claims pass the judge and wrong ones do not.

Measures here are plain loops over outputs; of the planting module only the drawn groups are asked for.
"""

import functools
import itertools
import subprocess
import sys

import pytest
import torch

import solutions.superposition as reference
from dojo.grading.mistakes import mistakes_of
from dojo.planted import geometry, mystery_geometry
from dojo.planted.compiler import generator
from graders.superposition import test_name_the_geometry as grader

NAMES = [f"learner {i}" for i in range(110)] + ["", "Zoë 猫", "your name"]
FEW = NAMES[:10] + NAMES[-3:]
ALL = FEW + [pytest.param(name, marks=pytest.mark.slow) for name in NAMES if name not in FEW]
SIZES = {"own dimension": 1, "digon": 2, "triangle": 3, "pentagon": 5, "square antiprism": 8}
SIZES |= {"tetrahedron": 4, "chain of three": 3, "chain of four": 4}


@functools.cache
def drawn(name):
    """Kinds, groups and dropped features as they were planted."""
    groups, n_dropped = geometry._draw(generator("geometry", name))
    kept = {feature for _, group in groups for feature in group}
    return groups, [f for f in range(len(kept) + n_dropped) if f not in kept]


@functools.cache
def trial(name):
    return grader.Trial(name)


def truth(name):
    groups, dropped = drawn(name)
    return dropped, [group for _, group in groups], [geometry.DIMENSIONS[kind] for kind, _ in groups]


def judged(claim, name):
    """The judge's tests that this claim fails on this name's model."""
    tests = [
        grader.test_dropped_features_leave_no_trace,
        grader.test_kept_features_come_back,
        grader.test_groups_hang_together,
        grader.test_groups_leave_each_other_alone,
        grader.test_dimensions,
    ]
    failed = []
    for test in tests:
        try:
            test(claim, trial(name))
        except AssertionError:
            failed.append(test.__name__)
    return failed


@torch.no_grad()
def outputs(name, *features):
    """What the model says to features with value 1."""
    model = mystery_geometry(name)
    x = torch.zeros(1, 1, model.W.shape[-1])
    x[..., list(features)] = 1
    return model(x)[0, 0]


def test_it_is_a_toy_model():
    """The same weights in the learner's own class give the same outputs."""
    model = mystery_geometry("Ada")
    own = reference.ToyModel(1, model.W.shape[-1], model.W.shape[1])
    assert {k: v.shape for k, v in own.state_dict().items()} == {k: v.shape for k, v in model.state_dict().items()}
    own.load_state_dict(model.state_dict())
    x = torch.rand(7, 1, model.W.shape[-1])
    torch.testing.assert_close(own(x), model(x))


def test_the_same_name_gives_the_same_model_everywhere():
    code = "from dojo.planted import mystery_geometry as m; print(m('Ada').W.double().abs().sum().item())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(other) == pytest.approx(mystery_geometry("Ada").W.double().abs().sum().item(), abs=1e-6)
    assert not torch.equal(mystery_geometry("Ada").W.norm(dim=1).sum(), mystery_geometry("Bea").W.norm(dim=1).sum())
    state = torch.get_rng_state()
    mystery_geometry("Ada")
    assert torch.equal(state, torch.get_rng_state()), "the learner's own random numbers are left alone"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_planted(name):
    groups, dropped = drawn(name)
    kinds = [kind for kind, _ in groups]
    assert [len(group) for _, group in groups] == [SIZES[kind] for kind in kinds]
    assert sum(geometry.DIMENSIONS[kind] for kind in kinds) == 10 == mystery_geometry(name).W.shape[1]
    assert {"own dimension", "digon"} <= set(kinds) and {"chain of three", "chain of four"} & set(kinds)
    assert {"pentagon", "square antiprism"} & set(kinds)
    assert 2 <= len(dropped) <= 4 and 15 <= sum(map(len, truth(name)[1])) <= 21


@pytest.mark.parametrize("name", FEW)
def test_outputs_are_decisive(name):
    dropped, groups, _ = truth(name)
    none = outputs(name)
    alone = {f: outputs(name, f) for group in [dropped, *groups] for f in group}
    for f in dropped:
        assert (alone[f] - none).abs().max() < 0.1 and (f == dropped[-1] or none[f] > 0.04), "but for a guess"
        assert (outputs(name, groups[0][0], f) - alone[groups[0][0]]).abs().max() < 0.1
    kept = [(g, f) for g, group in enumerate(groups) for f in group]
    assert all(alone[f][f] - none[f] > 0.4 for _, f in kept)
    worst = {g: [] for g in range(len(groups))}
    for g, i in kept:
        touched = {}
        for h, j in kept:
            if i != j:
                both = outputs(name, i, j)
                touched[h, j] = max((both[i] - alone[i][i]).abs(), (both[j] - alone[j][j]).abs())
        assert all(change < 0.1 for (h, _), change in touched.items() if h != g)
        if len(groups[g]) > 1:
            worst[g].append(max(change for (h, _), change in touched.items() if h == g))
    assert min(change for changes in worst.values() for change in changes) > 0.25


def test_one_look_is_not_enough():
    """The decoys are there: directions in the wrong place, guesses, digons of two lengths, chains, and a turned basis."""
    aligned = lengths = 0
    for name in NAMES[:40]:
        W = mystery_geometry(name).W.detach()[0]
        unit = W / W.norm(dim=0)
        dropped, groups, _ = truth(name)
        kept = [f for group in groups for f in group]
        aligned += (unit[:, dropped].T @ unit[:, kept]).abs().max().item() > 0.99
        for kind, group in drawn(name)[0]:
            if kind == "digon":
                lengths += (W[:, group[0]].norm() - W[:, group[1]].norm()).abs().item() > 0.1
            if kind == "chain of four":
                gram = (W[:, group].T @ W[:, group]).abs()
                assert ((gram > 0.1).sum() - 4) / 2 == 3, "three links, and nothing between the others"
        assert ((W[:, kept].abs() > 0.9 * W[:, kept].norm(dim=0)).sum(dim=0) > 0).float().mean() < 0.5
    assert aligned == 40 and lengths >= 20


@pytest.mark.parametrize("name", NAMES)
def test_right_claims_pass(name):
    found = reference.name_the_geometry(mystery_geometry(name))
    claim = found["dropped"], found["groups"], found["dimensions"]
    as_sets = {frozenset(group): size for group, size in zip(*claim[1:], strict=True)}
    dropped, groups, dimensions = truth(name)
    assert claim[0] == dropped and as_sets == {frozenset(g): d for g, d in zip(groups, dimensions, strict=True)}
    assert judged(claim, name) == []


@pytest.mark.parametrize("name", ALL)
def test_wrong_claims_fail(name):
    dropped, groups, dimensions = truth(name)
    for g, group in enumerate(groups):
        rest, sizes = groups[:g] + groups[g + 1 :], dimensions[:g] + dimensions[g + 1 :]
        for f in group:
            if len(group) == 1:
                assert judged(([*dropped, f], rest, sizes), name), "kept, but called dropped"
                continue
            without = [other for other in group if other != f]
            assert judged(([*dropped, f], [without, *rest], [dimensions[g], *sizes]), name), "kept, but called dropped"
            for size in (dimensions[g], max(1, dimensions[g] - 1)):
                split = [without, [f], *rest], [size, 1, *sizes]
                assert judged((dropped, *split), name), "a group split"
        for h in range(g):
            merged = [f for f in groups[g] + groups[h]]
            others = [k for k in range(len(groups)) if k not in (g, h)]
            claim = (
                [merged, *(groups[k] for k in others)],
                [
                    dimensions[g] + dimensions[h],
                    *(dimensions[k] for k in others),
                ],
            )
            assert judged((dropped, *claim), name) == ["test_groups_hang_together"], "two groups merged"
        for wrong in (dimensions[g] - 1, dimensions[g] + 1):
            assert judged((dropped, [group, *rest], [wrong, *sizes]), name) == ["test_dimensions"]
    for f in dropped:
        left = [other for other in dropped if other != f]
        assert judged((left, [*groups, [f]], [*dimensions, 1]), name), "dropped, but called kept"
        assert judged((left, [[*groups[0], f], *groups[1:]], dimensions), name), "dropped, but put into a group"


@pytest.mark.parametrize("mistake", mistakes_of(grader), ids=lambda mistake: mistake.name)
def test_known_mistakes_fail_for_every_name(mistake):
    for name in NAMES[::6]:
        try:
            dropped, groups, sizes = (
                mistake.code(mystery_geometry(name))[k] for k in ("dropped", "groups", "dimensions")
            )
        except (TypeError, KeyError):
            continue  # of another form
        named = sorted(f for group in [dropped, *groups] for f in group)
        formed = named == list(range(trial(name).n)) and all(size == int(size) for size in sizes)
        assert not formed or judged((dropped, groups, sizes), name), name


def test_a_claim_for_another_name_fails():
    for name, other in itertools.pairwise(NAMES):
        sizes = [mystery_geometry(each).W.shape[-1] for each in (name, other)]
        claim = truth(other)
        assert sizes[0] != sizes[1] or judged(claim, name), "the form, or the model, tells"


def test_halves_of_the_largest_groups_are_told_apart():
    """However a pentagon or an antiprism is cut in two, the parts disturb each other."""
    for name in NAMES[:8]:
        for kind, group in drawn(name)[0]:
            if kind in ("pentagon", "square antiprism", "chain of four"):
                for mask in range(1, 2 ** (len(group) - 1)):
                    part = [f for k, f in enumerate(group) if mask >> k & 1]
                    rest = [f for f in group if f not in part]
                    assert max(trial(name).change(i, j) for i in part for j in rest) > 0.3
