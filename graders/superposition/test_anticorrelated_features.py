"""anticorrelated_features: which numbers are drawn is nobody's business, so tests look at what every right draw has in common.

The kit tells a draw by its form and by coarse statistics. Where chance has a say, the limits lie five standard deviations
and more from what a right draw gives.
"""

import pytest
import torch

from dojo.grading import compare, mistake
from dojo.grading.bench import raises

AXES = "batch instance feature"
SPARSITY = torch.tensor([0.8, 0.6, 0.7])


def _statistics(submission, kit, rand, sparsity=SPARSITY, n_pairs=3, n_batch=6000):
    together = torch.zeros_like(sparsity)
    found = kit.pair_statistics(submission.anticorrelated_features, rand.seed, n_batch, sparsity, n_pairs, together)
    if not isinstance(found, dict):
        compare(found, torch.zeros(n_batch, len(sparsity), 2 * n_pairs), axes=AXES, atol=torch.inf)
    return found


@pytest.mark.parametrize("n_batch, n_instances, n_pairs", [(7, 3, 2), (1, 2, 4), (5, 1, 3), (2, 4, 1)])
def test_shape(submission, kit, rand, n_batch, n_instances, n_pairs):
    """The result is float [batch, instance, 2 * n_pairs], with one instance for each entry of `sparsity`."""
    sparsity = 0.55 + 0.4 * torch.arange(n_instances) / n_instances
    form = kit.drawn_form(submission.anticorrelated_features, rand.seed, n_batch, sparsity, n_pairs)
    compare(form, torch.zeros(n_batch, n_instances, 2 * n_pairs), axes=AXES)


@pytest.mark.parametrize("sparsity", [[0.8, 0.6, 0.7], [0.95, 0.5]])
def test_never_both(submission, kit, rand, sparsity):
    """Features 2k and 2k + 1 are never there at once."""
    found = kit.pairs_at_once(submission.anticorrelated_features, rand.seed, torch.tensor(sparsity), 3)
    if not isinstance(found, list):
        compare(found, torch.zeros(500, len(sparsity), 6), axes=AXES, atol=torch.inf)
    for instance, often in enumerate(found):
        assert often == "never", (
            f"In instance {instance}, whose sparsity is {sparsity[instance]}, there are inputs that have both features of a "
            "pair. Partners stand side by side: features 0 and 1, 2 and 3, and so on."
        )


@pytest.mark.parametrize("sparsity, n_pairs", [([0.8, 0.6, 0.7], 3), ([0.9, 0.55], 2), ([0.5, 0.75, 0.85, 0.65], 1)])
def test_how_often_a_feature_is_0(submission, kit, rand, sparsity, n_pairs):
    """Each single feature of instance i is 0 with probability sparsity[i]: the first of a pair as often as the second."""
    zeros = _statistics(submission, kit, rand, torch.tensor(sparsity), n_pairs)["zeros"]
    for instance, row in enumerate(zeros):
        for feature, share in enumerate(row.tolist()):
            often = "too seldom" if share < 1 else "too often"
            assert share == 1, (
                f"In instance {instance}, whose sparsity is {sparsity[instance]}, feature {feature} is 0 {often} "
                "(counted over 6000 inputs). `sparsity` is that of a single feature, not of the pair."
            )


def test_sparsity_a_half_and_1(submission, kit, rand):
    """With sparsity 0.5 exactly one of each pair is there; with sparsity 1 every number is exactly 0."""
    found = kit.pairs_at(submission.anticorrelated_features, rand.seed, torch.tensor([1.0, 0.5, 1.0]), 2)
    if not isinstance(found, dict):
        compare(found, torch.zeros(300, 3, 4), axes=AXES, atol=torch.inf)
    assert not found["nan"], "With a sparsity of 0.5 or 1 there are nans in the result."
    assert found["neither"][0] and found["neither"][2], "With sparsity 1 there are numbers other than 0."
    assert found["one"][1], "With sparsity 0.5 each pair should have exactly one feature that is there, in every input."


def test_uniform(submission, kit, rand):
    """Where a feature is there, its value is uniform on [0, 1]."""
    found = _statistics(submission, kit, rand)
    assert not found["nan"], "There are nans in the result."
    assert not found["below 0"], "There are numbers below 0."
    assert not found["above 1"], "There are numbers above 1."
    for tenth, share in enumerate(found["tenths"].tolist()):
        few = "too few" if share < 1 else "too many"
        assert share == 1, f"Of the numbers that are not 0, {few} lie between {tenth / 10:g} and {(tenth + 1) / 10:g}."
    assert not found["rounded"], "The same numbers come again and again: draw a value of its own for each feature."


def test_independent(submission, kit, rand):
    """Pairs, instances and inputs are drawn independently: none tells anything about another."""
    found = _statistics(submission, kit, rand, torch.tensor([0.65, 0.5, 0.6]))
    assert not found["pairs"], "Two different pairs of an input go together: draw for each pair on its own."
    assert not found["instances"], "Two instances go together: draw each one's inputs on their own."
    assert not found["inputs"], "Two inputs that follow each other go together: draw each input on its own."
    assert not found["changed"], "`sparsity` was changed in place. Whoever passed it still needs it: work on a copy."


@pytest.mark.parametrize("sparsity", [[0.3], [0.49, 0.8], [0.9, 0.7, 0.0]])
def test_too_dense(submission, rand, sparsity):
    """A sparsity below 0.5, in any of the instances, raises ValueError."""
    with raises("ValueError"):
        submission.anticorrelated_features(4, torch.tensor(sparsity), 2)


def test_generator(submission, kit, rand):
    """Everything is drawn from `generator`: the same seed gives the same inputs, and the next call gives others."""
    same = kit.drawn_again(submission.anticorrelated_features, rand.seed, 40, torch.tensor([0.6, 0.7]), 3)
    assert same["the same seed"], (
        "Two generators with the same seed give different inputs: pass `generator` on to every draw."
    )
    assert not same["another seed"], "Generators with different seeds give the same inputs: pass `generator` on."
    assert not same["one generator, used twice"], "A second call with the same generator gives the same inputs again."
    assert not same["generator=None, twice"], "Without a generator, each call gives the same inputs again."
    assert same["generator=None, torch's own with the same seed"], (
        "Without a generator torch's own is to be used: after the same torch.manual_seed, inputs should be the same."
    )


def _draw(n_batch, sparsity, n_pairs, generator):
    return torch.rand((n_batch, len(sparsity), n_pairs), generator=generator)


def _values(present, generator):
    return torch.rand(present.shape, generator=generator) * present


def _check(sparsity):
    if (sparsity < 0.5).any():
        raise ValueError("too dense")


def _side_by_side(first, second):
    return torch.stack([first, second], dim=-1).flatten(-2)


@mistake("Each feature comes or stays away on its own, so both are there at times: one draw must decide between them.")
def independent_features(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    return _values(_draw(n_batch, sparsity, 2 * n_pairs, generator) >= sparsity[:, None], generator)


@mistake(
    "`sparsity` is used for the pair, and then one of two is chosen: each single feature comes half as often as it should. A "
    "pair is there with probability 2 (1 - sparsity)."
)
def sparsity_of_the_pair(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    there = _draw(n_batch, sparsity, n_pairs, generator) >= sparsity[:, None]
    first = _draw(n_batch, sparsity, n_pairs, generator) < 0.5
    return _values(_side_by_side(there & first, there & ~first), generator)


@mistake("Both are drawn on their own, and where both are there, both are taken away: then each comes too seldom.")
def both_removed(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    a, b = (_draw(n_batch, sparsity, n_pairs, generator) >= sparsity[:, None] for _ in range(2))
    return _values(_side_by_side(a & ~b, b & ~a), generator)


@mistake("Where both are there you take the second away: the second of a pair then comes less often than the first.")
def first_wins(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    a, b = (_draw(n_batch, sparsity, n_pairs, generator) >= sparsity[:, None] for _ in range(2))
    return _values(_side_by_side(a, b & ~a), generator)


@mistake(
    "The second feature is there whenever the first is not: with sparsity above 0.5, often neither should be there."
)
def always_one(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    first = _draw(n_batch, sparsity, n_pairs, generator) >= sparsity[:, None]
    return _values(_side_by_side(first, ~first), generator)


@mistake("Always exactly one of the two is there, whatever the sparsity: often it should be neither.")
def a_coin_for_each_pair(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    first = _draw(n_batch, sparsity, n_pairs, generator) < 0.5
    return _values(_side_by_side(first, ~first), generator)


@mistake(
    "Your pairs are features k and k + n_pairs: `cat` lays all first features before all second ones. Partners stand side by "
    "side: 2k and 2k + 1."
)
def partner_half_a_row_away(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    u, p = _draw(n_batch, sparsity, n_pairs, generator), 1 - sparsity[:, None]
    return _values(torch.cat([u < p, u >= 1 - p], dim=-1), generator)


@mistake("Sparsity and density are swapped: a single feature is there with probability 1 - sparsity.")
def density(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    u = _draw(n_batch, sparsity, n_pairs, generator)
    return _values(_side_by_side(u < sparsity[:, None], u >= 1 - sparsity[:, None]), generator)


@mistake("The two features of a pair come together: here at most one of them is there.")
def correlated(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    there = _draw(n_batch, sparsity, n_pairs, generator) >= sparsity[:, None]
    return _values(there.repeat_interleave(2, dim=-1), generator)


@mistake(
    "The second feature of a pair is minus the first: a feature is never negative, and the second has a place of its own."
)
def signs(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    there = _draw(n_batch, sparsity, n_pairs, generator) >= sparsity[:, None]
    x = _values(there, generator)
    return _side_by_side(x, -x)


@mistake("An input has a feature of every pair or of none: draw for each pair on its own.")
def all_pairs_at_once(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    u, p = _draw(n_batch, sparsity, 1, generator), 1 - sparsity[:, None]
    return _values(_side_by_side(u < p, u >= 1 - p).repeat(1, 1, n_pairs), generator)


@mistake("All instances share which features are there: draw it for each instance.")
def presence_shared_by_instances(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    u, p = torch.rand((n_batch, 1, n_pairs), generator=generator), 1 - sparsity[:, None]
    return _values(_side_by_side(u < p, u >= 1 - p), generator)


@mistake("A feature that is there is 1: its value should be uniform on [0, 1].")
def ones(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    u, p = _draw(n_batch, sparsity, n_pairs, generator), 1 - sparsity[:, None]
    return _side_by_side(u < p, u >= 1 - p).float()


@mistake(
    "One uniform number says both which feature is there and how large it is: the first of a pair is then never larger than "
    "1 - sparsity. Draw values on their own."
)
def one_draw_for_both(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    u, p = _draw(n_batch, sparsity, n_pairs, generator), 1 - sparsity[:, None]
    return _side_by_side(u * (u < p), u * (u >= 1 - p))


@mistake("You raise only where all instances are too dense: a single one is enough.")
def error_for_all_only(n_batch, sparsity, n_pairs, generator=None):
    if (sparsity < 0.5).all():
        raise ValueError("too dense")
    return no_error(n_batch, sparsity, n_pairs, generator)


@mistake(
    "A sparsity below 0.5 should raise ValueError: two features that exclude each other cannot both be that frequent."
)
def no_error(n_batch, sparsity, n_pairs, generator=None):
    u, p = _draw(n_batch, sparsity, n_pairs, generator), 1 - sparsity[:, None]
    return _values(_side_by_side(u < p, u >= 1 - p), generator)


@mistake("You raise at a sparsity of exactly 0.5 too, which is allowed: then one of the two is always there.")
def error_at_a_half(n_batch, sparsity, n_pairs, generator=None):
    if (sparsity <= 0.5).any():
        raise ValueError("too dense")
    return no_error(n_batch, sparsity, n_pairs, generator)


@mistake("You do not use `generator`: give it to every function that draws.")
def ignores_the_generator(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    return no_error(n_batch, sparsity, n_pairs, None)


@mistake("Only one of the two draws uses `generator`: give it to both.")
def generator_for_presence_only(n_batch, sparsity, n_pairs, generator=None):
    _check(sparsity)
    u, p = _draw(n_batch, sparsity, n_pairs, generator), 1 - sparsity[:, None]
    return _values(_side_by_side(u < p, u >= 1 - p), None)
