"""polysemanticity: counted by hand, by a slow loop over neurons and features, and by showing a model one feature at a time."""

import pytest
import torch
import torch.nn.functional as F

import solutions.superposition as ref
from dojo.grading import compare, mistake

AXES = "instance neuron"


def _slow(W, fraction):
    counts = torch.zeros(W.shape[:2], dtype=torch.int64)
    for i, instance in enumerate(W.tolist()):
        for n, weights in enumerate(instance):
            answers = [max(0.0, w) for w in weights]
            counts[i, n] = sum(a > 0 and a >= fraction * max(answers) for a in answers)
    return counts


def test_by_hand(submission):
    """Two neurons by hand: (1, 0.5, 0.2, -0.9) is driven by two features, (-1, 0, 3, 0.5) by one."""
    W = torch.tensor([[[1.0, 0.5, 0.2, -0.9], [-1.0, 0.0, 3.0, 0.5]]])
    compare(submission.polysemanticity(W), torch.tensor([[2, 1]]), axes=AXES)


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 6, 4), (1, 1, 9), (4, 2, 1)])
def test_random_weights(submission, rand, shape):
    """The counts are right on random weights, of several instances."""
    W = rand.normal(*shape) * (0.2 + 2 * rand.uniform(*shape[:2], 1))
    compare(submission.polysemanticity(W.clone()), _slow(W, 0.25), axes=AXES)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.6, 1.0])
def test_other_fractions(submission, rand, fraction):
    """`fraction` sets how strong an answer must be; with 0 every positive one counts, with 1 the largest."""
    W = rand.normal(3, 4, 9)
    found = submission.polysemanticity(W.clone(), fraction)
    compare(found, _slow(W, fraction), axes=AXES, what=f"the result with fraction {fraction}")


def test_exactly_the_fraction(submission):
    """An answer of exactly `fraction` times the largest counts."""
    W = torch.tensor([[[4.0, 1.0, 0.75, -4.0]], [[0.5, 0.125, 0.125, 0.0]], [[2.0, 0.0, 0.5, -0.5]]])
    compare(submission.polysemanticity(W, 0.25), torch.tensor([[2], [3], [2]]), axes=AXES)


def test_a_silent_neuron(submission, rand):
    """A neuron that no feature drives has 0; one that answers weakly is judged by its own largest answer."""
    W = -rand.uniform(2, 3, 5, low=0.1)
    W[1, 2] = 0
    W[0, 1] = torch.tensor([-3.0, 0.004, -0.2, 0.003, 0.0005])
    expected = torch.tensor([[0, 2, 0], [0, 0, 0]])
    compare(submission.polysemanticity(W.clone()), expected, axes=AXES)


def test_like_the_model(submission, rand):
    """It is what the neurons of the model do when each feature is shown alone."""
    W = rand.normal(3, 4, 6)
    one_at_a_time = torch.eye(6)[:, None].expand(6, 3, 6)  # [batch, instance, feature]
    hidden = F.relu(torch.einsum("bif,ihf->bih", one_at_a_time, W))
    expected = ((hidden > 0) & (hidden >= 0.4 * hidden.max(dim=0).values)).sum(dim=0)
    compare(submission.polysemanticity(W.clone(), fraction=0.4), expected, axes=AXES)


def _count(W, answers, fraction, over=-1, strongest=None):
    strongest = answers.amax(dim=over, keepdim=True) if strongest is None else strongest
    return ((answers > 0) & (answers >= fraction * strongest)).sum(dim=over)


@mistake("You take absolute values: ReLU silences negative weights, so they drive nothing.")
def absolute_values(W, fraction=0.25):
    return _count(W, W.abs(), fraction)


@mistake(
    "Negative weights do not count, but you measure against the largest ABSOLUTE weight: the neuron's largest answer is after "
    "the ReLU."
)
def against_the_largest_absolute_weight(W, fraction=0.25):
    return _count(W, F.relu(W), fraction, strongest=W.abs().amax(dim=-1, keepdim=True))


@mistake("You count how many neurons each feature drives: count features, along the last axis.")
def neurons_of_each_feature(W, fraction=0.25):
    return _count(W, F.relu(W), fraction, over=-2)


@mistake(
    "You compare with the largest answer of any neuron to that feature: compare with this neuron's own largest answer."
)
def against_the_other_neurons(W, fraction=0.25):
    return _count(W, F.relu(W), fraction, strongest=F.relu(W).amax(dim=-2, keepdim=True))


@mistake("You compare with the largest answer in the whole instance: every neuron is judged by its own largest answer.")
def against_the_whole_instance(W, fraction=0.25):
    return _count(W, F.relu(W), fraction, strongest=F.relu(W).amax(dim=(-2, -1), keepdim=True))


@mistake("`fraction` is used as an absolute threshold: it is a part of the neuron's largest answer.")
def absolute_threshold(W, fraction=0.25):
    return _count(W, F.relu(W), fraction, strongest=torch.ones(1))


@mistake(
    "A neuron that never answers has all features with you: 0 >= 0.25 * 0 is true, so ask for a positive answer as well."
)
def silent_neurons_have_all(W, fraction=0.25):
    answers = F.relu(W)
    return (answers >= fraction * answers.amax(dim=-1, keepdim=True)).sum(dim=-1)


@mistake("An answer of exactly the fraction counts: at least (>=), not more than (>).")
def strictly_more(W, fraction=0.25):
    answers = F.relu(W)
    return (answers > fraction * answers.amax(dim=-1, keepdim=True)).sum(dim=-1)


@mistake("You count every feature with a positive weight: weak ones, below the fraction, do not count.")
def every_positive(W, fraction=0.25):
    return (W > 0).sum(dim=-1)


@mistake("`fraction` is not used: 0.25 stands in your code.")
def fixed_fraction(W, fraction=0.25):
    return ref.polysemanticity(W, 0.25)


@mistake("You leave the feature with the largest answer out: it drives the neuron, too.")
def without_the_strongest(W, fraction=0.25):
    return (ref.polysemanticity(W, fraction) - 1).clamp(min=0)


@mistake("You measure against the sum of the answers: take the largest one.")
def against_the_sum(W, fraction=0.25):
    return _count(W, F.relu(W), fraction, strongest=F.relu(W).sum(dim=-1, keepdim=True))


@mistake("You return the share of features: return how many they are.")
def a_share(W, fraction=0.25):
    return ref.polysemanticity(W, fraction) / W.shape[-1]


@mistake("You return a float: how many is a whole number, int64.")
def a_float(W, fraction=0.25):
    return ref.polysemanticity(W, fraction).float()


@mistake("You return which features drive each neuron: return how many.")
def the_table(W, fraction=0.25):
    answers = F.relu(W)
    return (answers > 0) & (answers >= fraction * answers.amax(dim=-1, keepdim=True))


@mistake("You set the negative entries of W to zero in place. The model still needs them: work on a copy.")
def in_place(W, fraction=0.25):
    return ref.polysemanticity(W.clamp_(min=0), fraction)
