"""correlated_features: which numbers are drawn is nobody's business, so tests look at what every right draw has in common.

The kit tells a draw by its form and by coarse statistics. Where chance has a say, the limits lie five standard deviations
and more from what a right draw gives.
"""

import pytest
import torch

from dojo.grading import compare, mistake

AXES = "batch instance feature"
SPARSITY = torch.tensor([0.75, 0.3, 0.55])


def _statistics(submission, kit, rand, sparsity=SPARSITY, n_pairs=3, n_batch=6000):
    together = 1 - sparsity
    found = kit.pair_statistics(submission.correlated_features, rand.seed, n_batch, sparsity, n_pairs, together)
    if not isinstance(found, dict):
        compare(found, torch.zeros(n_batch, len(sparsity), 2 * n_pairs), axes=AXES, atol=torch.inf)
    return found


@pytest.mark.parametrize("n_batch, n_instances, n_pairs", [(7, 3, 2), (1, 2, 4), (5, 1, 3), (2, 4, 1)])
def test_shape(submission, kit, rand, n_batch, n_instances, n_pairs):
    """The result is float [batch, instance, 2 * n_pairs], with one instance for each entry of `sparsity`."""
    sparsity = 0.2 + 0.6 * torch.arange(n_instances) / n_instances
    form = kit.drawn_form(submission.correlated_features, rand.seed, n_batch, sparsity, n_pairs)
    compare(form, torch.zeros(n_batch, n_instances, 2 * n_pairs), axes=AXES)


def test_both_or_neither(submission, kit, rand):
    """Of features 2k and 2k + 1 both are there, or neither."""
    found = _statistics(submission, kit, rand)
    assert not found["only one"], (
        "There are inputs in which one feature of a pair is there and its partner is 0. Partners stand side by side: "
        "features 0 and 1, 2 and 3, and so on."
    )


@pytest.mark.parametrize("sparsity, n_pairs", [([0.75, 0.3, 0.55], 3), ([0.2, 0.9], 2), ([0.1, 0.5, 0.85, 0.3], 1)])
def test_how_often_a_pair_is_absent(submission, kit, rand, sparsity, n_pairs):
    """A pair of instance i is absent with probability sparsity[i]."""
    zeros = _statistics(submission, kit, rand, torch.tensor(sparsity), n_pairs)["zeros"]
    for instance, row in enumerate(zeros):
        for feature, share in enumerate(row.tolist()):
            often = "too seldom" if share < 1 else "too often"
            assert share == 1, (
                f"In instance {instance}, whose sparsity is {sparsity[instance]}, feature {feature} is 0 {often} "
                "(counted over 6000 inputs)."
            )


def test_sparsity_0_and_1(submission, kit, rand):
    """With sparsity 0 every pair is there; with sparsity 1 every number is exactly 0."""
    found = kit.pairs_at(submission.correlated_features, rand.seed, torch.tensor([1.0, 0.0, 1.0]), 2)
    if not isinstance(found, dict):
        compare(found, torch.zeros(300, 3, 4), axes=AXES, atol=torch.inf)
    assert not found["nan"], "With a sparsity of 0 or 1 there are nans in the result."
    assert found["neither"][0] and found["neither"][2], "With sparsity 1 there are numbers other than 0."
    assert found["both"][1], "With sparsity 0 every feature should be there, but there are zeros."


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


def test_values_of_their_own(submission, kit, rand):
    """The two features of a pair come together, but how large they are is drawn for each on its own."""
    found = _statistics(submission, kit, rand)
    assert not found["values in a pair"], (
        "The two values of a pair go together in size. Only their presence is shared: draw each value on its own."
    )


def test_independent(submission, kit, rand):
    """Pairs, instances and inputs are drawn independently: none tells anything about another."""
    found = _statistics(submission, kit, rand)
    assert not found["pairs"], "Two different pairs of an input go together: draw for each pair whether it is there."
    assert not found["instances"], "Two instances go together: draw each one's inputs on their own."
    assert not found["inputs"], "Two inputs that follow each other go together: draw each input on its own."
    assert not found["changed"], "`sparsity` was changed in place. Whoever passed it still needs it: work on a copy."


def test_generator(submission, kit, rand):
    """Everything is drawn from `generator`: the same seed gives the same inputs, and the next call gives others."""
    same = kit.drawn_again(submission.correlated_features, rand.seed, 40, torch.tensor([0.6, 0.7]), 3)
    assert same["the same seed"], (
        "Two generators with the same seed give different inputs: pass `generator` on to every draw."
    )
    assert not same["another seed"], "Generators with different seeds give the same inputs: pass `generator` on."
    assert not same["one generator, used twice"], "A second call with the same generator gives the same inputs again."
    assert not same["generator=None, twice"], "Without a generator, each call gives the same inputs again."
    assert same["generator=None, torch's own with the same seed"], (
        "Without a generator torch's own is to be used: after the same torch.manual_seed, inputs should be the same."
    )


def _rand(*shape, generator=None):
    return torch.rand(shape, generator=generator)


def _pairs(n_batch, sparsity, n_pairs, generator):
    """Which pairs are there, [batch, instance, pair]."""
    return _rand(n_batch, len(sparsity), n_pairs, generator=generator) >= sparsity[:, None]


def _with_values(there, generator):
    return _rand(*there.shape, generator=generator) * there


@mistake("Each feature comes or stays away on its own. Draw once for each pair, and use it for both features.")
def independent_features(n_batch, sparsity, n_pairs, generator=None):
    return _with_values(_pairs(n_batch, sparsity, 2 * n_pairs, generator), generator)


@mistake(
    "Your pairs are features k and k + n_pairs: `repeat` (or `cat`) lays the whole row behind itself. Partners stand side "
    "by side: 2k and 2k + 1, which is what `repeat_interleave` makes."
)
def partner_half_a_row_away(n_batch, sparsity, n_pairs, generator=None):
    return _with_values(_pairs(n_batch, sparsity, n_pairs, generator).repeat(1, 1, 2), generator)


@mistake("Both features of a pair have the same value: only presence is shared, the values are drawn for each.")
def same_value(n_batch, sparsity, n_pairs, generator=None):
    return _with_values(_pairs(n_batch, sparsity, n_pairs, generator), generator).repeat_interleave(2, dim=-1)


@mistake("The second value of a pair is 1 minus the first: draw each on its own.")
def opposite_value(n_batch, sparsity, n_pairs, generator=None):
    there = _pairs(n_batch, sparsity, n_pairs, generator)
    x = _rand(*there.shape, generator=generator)
    return torch.stack([x * there, (1 - x) * there], dim=-1).flatten(-2)


@mistake("Sparsity and density are swapped: a pair is absent with probability `sparsity`.")
def density(n_batch, sparsity, n_pairs, generator=None):
    there = ~_pairs(n_batch, sparsity, n_pairs, generator)
    return _with_values(there.repeat_interleave(2, dim=-1), generator)


@mistake("An input has all of its pairs or none: draw for each pair whether it is there.")
def all_pairs_at_once(n_batch, sparsity, n_pairs, generator=None):
    return _with_values(_pairs(n_batch, sparsity, 1, generator).repeat(1, 1, 2 * n_pairs), generator)


@mistake("All instances share which pairs are there: draw it for each instance.")
def presence_shared_by_instances(n_batch, sparsity, n_pairs, generator=None):
    there = _rand(n_batch, 1, n_pairs, generator=generator) >= sparsity[:, None]
    return _with_values(there.repeat_interleave(2, dim=-1), generator)


@mistake("All inputs of the batch share which pairs are there: draw it for each input.")
def presence_shared_by_inputs(n_batch, sparsity, n_pairs, generator=None):
    there = _pairs(1, sparsity, n_pairs, generator).repeat_interleave(2, dim=-1).expand(n_batch, -1, -1)
    return _with_values(there, generator)


@mistake(
    "A pair is there only where two draws agree, one for each feature, so it is absent too often. One draw decides for both."
)
def product_of_two_draws(n_batch, sparsity, n_pairs, generator=None):
    both = _pairs(n_batch, sparsity, n_pairs, generator) & _pairs(n_batch, sparsity, n_pairs, generator)
    return _with_values(both.repeat_interleave(2, dim=-1), generator)


@mistake("A pair that is there is (1, 1): its values should be uniform on [0, 1].")
def ones(n_batch, sparsity, n_pairs, generator=None):
    return _pairs(n_batch, sparsity, n_pairs, generator).repeat_interleave(2, dim=-1).float()


@mistake("Values are drawn from a normal distribution: take torch.rand, which is uniform on [0, 1], not torch.randn.")
def normal_values(n_batch, sparsity, n_pairs, generator=None):
    there = _pairs(n_batch, sparsity, n_pairs, generator).repeat_interleave(2, dim=-1)
    return torch.randn(there.shape, generator=generator) * there


@mistake(
    "One uniform number says whether a pair is there and is a value too, so that this value is never smaller than `sparsity`."
)
def presence_reused_as_value(n_batch, sparsity, n_pairs, generator=None):
    u = _rand(n_batch, len(sparsity), n_pairs, generator=generator)
    there = u >= sparsity[:, None]
    return torch.stack([u * there, _with_values(there, generator)], dim=-1).flatten(-2)


@mistake("All instances have the first one's sparsity: instance i has sparsity[i].")
def first_sparsity_for_all(n_batch, sparsity, n_pairs, generator=None):
    return _with_values(
        _pairs(n_batch, sparsity[:1].expand(len(sparsity)), n_pairs, generator).repeat_interleave(2, -1), generator
    )


@mistake("`n_pairs` is taken for the number of features: the result has 2 * n_pairs of them.")
def n_pairs_features(n_batch, sparsity, n_pairs, generator=None):
    there = _pairs(n_batch, sparsity, (n_pairs + 1) // 2, generator).repeat_interleave(2, dim=-1)
    return _with_values(there, generator)[..., :n_pairs]


@mistake(
    "You return pairs on an axis of their own: lay the two features of a pair side by side, [batch, instance, 2 * n_pairs]."
)
def an_axis_for_pairs(n_batch, sparsity, n_pairs, generator=None):
    there = _pairs(n_batch, sparsity, n_pairs, generator)
    return torch.stack([_with_values(there, generator), _with_values(there, generator)], dim=-1)


@mistake("You do not use `generator`: give it to every function that draws.")
def ignores_the_generator(n_batch, sparsity, n_pairs, generator=None):
    return _with_values(_pairs(n_batch, sparsity, n_pairs, None).repeat_interleave(2, dim=-1), None)


@mistake("Only one of the two draws uses `generator`: give it to both.")
def generator_for_presence_only(n_batch, sparsity, n_pairs, generator=None):
    return _with_values(_pairs(n_batch, sparsity, n_pairs, generator).repeat_interleave(2, dim=-1), None)
