"""sample_features: which numbers are drawn is nobody's business, so tests look at what every right draw has in common.

The kit tells a draw by its form and by coarse statistics. Where chance has a say, the limits lie nine standard deviations
and more from what a right draw gives.
"""

import pytest
import torch

from dojo.grading import compare, mistake

AXES = "batch instance feature"
SPARSITY = torch.tensor([0.8, 0.3, 0.55])


def _statistics(submission, kit, rand, sparsity=SPARSITY, n_features=5, n_batch=6000):
    found = kit.feature_statistics(submission.sample_features, rand.seed, n_batch, sparsity, n_features)
    if not isinstance(found, dict):
        compare(found, torch.zeros(n_batch, len(sparsity), n_features), axes=AXES, atol=torch.inf)
    return found


@pytest.mark.parametrize("n_batch, n_instances, n_features", [(7, 3, 5), (1, 4, 2), (6, 1, 3), (2, 5, 1)])
def test_shape(submission, kit, rand, n_batch, n_instances, n_features):
    """The result is float [batch, instance, feature], with one instance for each entry of `sparsity`."""
    sparsity = 0.2 + 0.6 * torch.arange(n_instances) / n_instances
    form = kit.drawn_form(submission.sample_features, rand.seed, n_batch, sparsity, n_features)
    compare(form, torch.zeros(n_batch, n_instances, n_features), axes=AXES)


def test_from_0_to_1(submission, kit, rand):
    """No number is nan, below 0 or above 1."""
    found = _statistics(submission, kit, rand)
    assert not found["nan"], "There are nans in the result. Did you divide by something that can be 0?"
    assert not found["below 0"], "There are numbers below 0. Where a feature is there, it is uniform on [0, 1]."
    assert not found["above 1"], "There are numbers above 1. Where a feature is there, it is uniform on [0, 1]."


@pytest.mark.parametrize("sparsity, n_features", [([0.8, 0.3, 0.55], 5), ([0.2, 0.9], 3), ([0.1, 0.5, 0.9, 0.3], 4)])
def test_how_often_a_feature_is_0(submission, kit, rand, sparsity, n_features):
    """Each feature of instance i is 0 with probability sparsity[i]."""
    zeros = _statistics(submission, kit, rand, torch.tensor(sparsity), n_features)["zeros"]
    for instance, row in enumerate(zeros):
        for feature, share in enumerate(row.tolist()):
            often = "too seldom" if share < 1 else "too often"
            assert share == 1, (
                f"In instance {instance}, whose sparsity is {sparsity[instance]}, feature {feature} is 0 {often} "
                "(counted over 6000 inputs)."
            )


def test_sparsity_0_and_1(submission, kit, rand):
    """With sparsity 0 every feature is there; with sparsity 1 every number is exactly 0."""
    found = kit.all_or_nothing(submission.sample_features, rand.seed, torch.tensor([1.0, 0.0, 1.0]), 4)
    assert not found["nan"], "With a sparsity of 0 or 1 there are nans in the result."
    assert found["zeros"][0] and found["zeros"][2], "With sparsity 1 there are numbers other than 0."
    assert not found["zeros"][1], "With sparsity 0, in which no feature is ever absent, everything is 0."
    assert found["full"][1], "With sparsity 0 there are zeros."


def test_uniform(submission, kit, rand):
    """Where a feature is there, its value is uniform on [0, 1], and not rounded."""
    found = _statistics(submission, kit, rand)
    for tenth, share in enumerate(found["tenths"].tolist()):
        few = "too few" if share < 1 else "too many"
        assert share == 1, f"Of the numbers that are not 0, {few} lie between {tenth / 10:g} and {(tenth + 1) / 10:g}."
    assert not found["rounded"], "The same numbers come again and again: do not round them."


def test_independent(submission, kit, rand):
    """Features, instances and inputs are drawn independently: none tells anything about another."""
    found = _statistics(submission, kit, rand)
    assert not found["features"], (
        "Two features of one input go together: draw each one's absence, and value, on its own."
    )
    assert not found["instances"], "Two instances go together: draw each one's inputs on their own."
    assert not found["inputs"], "Two inputs that follow each other go together: draw each input on its own."
    assert not found["changed"], "`sparsity` was changed in place. Whoever passed it still needs it: work on a copy."


def test_generator(submission, kit, rand):
    """Everything is drawn from `generator`: the same seed gives the same inputs, and the next call gives others."""
    same = kit.drawn_again(submission.sample_features, rand.seed, 20, torch.tensor([0.1, 0.3]), 4)
    assert same["the same seed"], (
        "Two generators with the same seed give different inputs: pass `generator` on to every draw."
    )
    assert not same["another seed"], "Generators with different seeds give the same inputs: pass `generator` on."
    assert not same["one generator, used twice"], "A second call with the same generator gives the same inputs again."
    assert not same["generator=None, twice"], "Without a generator, each call gives the same inputs again."
    assert same["generator=None, torch's own with the same seed"], (
        "Without a generator torch's own is to be used: after the same torch.manual_seed, inputs should be the same."
    )


def _rand(n_batch, sparsity, n_features, generator):
    return torch.rand((n_batch, len(sparsity), n_features), generator=generator)


@mistake("Sparsity and density are swapped: a feature is 0 with probability `sparsity`, and there with 1 - sparsity.")
def density(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) < sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("An input has all of its features or none: draw for each feature whether it is there.")
def whole_input_at_once(n_batch, sparsity, n_features, generator=None):
    there = torch.rand((n_batch, len(sparsity), 1), generator=generator) >= sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("All instances share which features are there: draw it for each instance.")
def absent_in_all_instances(n_batch, sparsity, n_features, generator=None):
    there = torch.rand((n_batch, 1, n_features), generator=generator) >= sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("All inputs of the batch share which features are there: draw it for each input.")
def absent_in_the_whole_batch(n_batch, sparsity, n_features, generator=None):
    there = torch.rand((1, len(sparsity), n_features), generator=generator) >= sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("All instances share the values: draw them for each instance.")
def values_shared_by_instances(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity[:, None]
    return torch.rand((n_batch, 1, n_features), generator=generator) * there


@mistake("All features of an input have the same value: draw one for each feature.")
def values_shared_by_features(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity[:, None]
    return torch.rand((n_batch, len(sparsity), 1), generator=generator) * there


@mistake(
    "One uniform number says both whether a feature is there and how large it is, so that what is there is never smaller "
    "than `sparsity`. Draw twice."
)
def one_draw_for_both(n_batch, sparsity, n_features, generator=None):
    x = _rand(n_batch, sparsity, n_features, generator)
    return x * (x >= sparsity[:, None])


@mistake(
    "One uniform number says both whether a feature is there and how large it is, so that what is there is never larger "
    "than 1 - sparsity. Draw twice."
)
def one_draw_for_both_from_below(n_batch, sparsity, n_features, generator=None):
    x = _rand(n_batch, sparsity, n_features, generator)
    return x * (x < 1 - sparsity[:, None])


@mistake("A feature that is there is 1: its value should be uniform on [0, 1].")
def ones(n_batch, sparsity, n_features, generator=None):
    return (_rand(n_batch, sparsity, n_features, generator) >= sparsity[:, None]).float()


@mistake("Values are drawn from a normal distribution: take torch.rand, which is uniform on [0, 1], not torch.randn.")
def normal_values(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity[:, None]
    return torch.randn(there.shape, generator=generator) * there


@mistake("Absence too is drawn from a normal distribution: torch.rand is uniform, torch.randn is not.")
def normal_mask(n_batch, sparsity, n_features, generator=None):
    there = torch.randn((n_batch, len(sparsity), n_features), generator=generator) >= sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("Values run from -1 to 1: features are uniform on [0, 1].")
def from_minus_1(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity[:, None]
    return (2 * _rand(n_batch, sparsity, n_features, generator) - 1) * there


@mistake("You divide by 1 - sparsity, as dropout does: leave the values as they are.")
def dropout(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, generator) * there / (1 - sparsity[:, None]).clamp(min=1e-6)


@mistake("You multiply by 1 - sparsity: a feature should be absent so often, not smaller.")
def scaled_by_density(n_batch, sparsity, n_features, generator=None):
    return _rand(n_batch, sparsity, n_features, generator) * (1 - sparsity[:, None])


@mistake("All instances have the first one's sparsity: instance i has sparsity[i].")
def first_sparsity_for_all(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity[0]
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("All instances have the mean sparsity: instance i has sparsity[i].")
def mean_sparsity_for_all(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity.mean()
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("Sparsity is laid along the features: it belongs to instances. Give it an axis: sparsity[:, None].")
def sparsity_of_features(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("Exactly the same number of features is absent in each input: draw each feature's absence on its own.")
def a_fixed_number_of_zeros(n_batch, sparsity, n_features, generator=None):
    ranks = _rand(n_batch, sparsity, n_features, generator).argsort(dim=-1).argsort(dim=-1)
    there = ranks >= (sparsity[:, None] * n_features).round()
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("You do not use `generator`: give it to every function that draws.")
def ignores_the_generator(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, None) >= sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, None) * there


@mistake("Only one of the two draws uses `generator`: give it to both.")
def generator_for_the_values_only(n_batch, sparsity, n_features, generator=None):
    there = _rand(n_batch, sparsity, n_features, None) >= sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("Without a generator you make one with a fixed seed, and every call gives the same. Pass None on instead.")
def fixed_seed_without_a_generator(n_batch, sparsity, n_features, generator=None):
    generator = generator or torch.Generator().manual_seed(0)
    there = _rand(n_batch, sparsity, n_features, generator) >= sparsity[:, None]
    return _rand(n_batch, sparsity, n_features, generator) * there


@mistake("Instances come before the batch: the axes are [batch, instance, feature].")
def instances_first(n_batch, sparsity, n_features, generator=None):
    shape = (len(sparsity), n_batch, n_features)
    there = torch.rand(shape, generator=generator) >= sparsity[:, None, None]
    return torch.rand(shape, generator=generator) * there


@mistake("You return where features are there, True or False: return their values.")
def the_mask(n_batch, sparsity, n_features, generator=None):
    return _rand(n_batch, sparsity, n_features, generator) >= sparsity[:, None]
