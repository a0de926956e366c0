"""represented: lengths of columns worked out entry by entry with math.sqrt, and cases whose lengths are known by hand."""

import math

import torch

from dojo.grading import compare, mistake

WHAT, AXES = "the tensor of features that are kept", "instance feature"


def by_hand(W, threshold):
    """For each column of each instance: is the root of its summed squares larger?"""
    columns = W.transpose(-1, -2).tolist()
    return torch.tensor([[math.sqrt(sum(v * v for v in column)) > threshold for column in one] for one in columns])


def draw(rand, instances, hidden, features):
    """Columns of drawn lengths, none within 0.02 of the thresholds that the tests use."""
    W = rand.normal(instances, hidden, features)
    lengths = rand.uniform(instances, features, low=0.05, high=1.5)
    for threshold in (0.25, 0.5, 1.0):
        lengths = torch.where((lengths - threshold).abs() < 0.02, threshold + 0.05, lengths)
    return W / W.norm(dim=1, keepdim=True) * lengths[:, None]


def test_by_hand(submission):
    """(0.9, 0.1) and (0, -0.6) are kept; (0.3, 0.3), of length 0.42, is not."""
    W = torch.tensor([[[0.9, 0.3, 0.0], [0.1, 0.3, -0.6]]])
    compare(submission.represented(W), torch.tensor([[True, False, True]]), what=WHAT, axes=AXES)


def test_drawn_columns(submission, rand):
    """The right columns are kept in four models of seven features and three dimensions."""
    W = draw(rand, 4, 3, 7)
    compare(submission.represented(W), by_hand(W, 0.5), what=WHAT, axes=AXES)


def test_other_thresholds(submission, rand):
    """Another threshold gives another answer."""
    W = draw(rand, 2, 5, 12)
    compare(submission.represented(W, 1.0), by_hand(W, 1.0), what=f"{WHAT} (threshold 1)", axes=AXES)
    compare(submission.represented(W, threshold=0.25), by_hand(W, 0.25), what=f"{WHAT} (threshold 0.25)", axes=AXES)


def test_just_above_and_a_threshold_of_zero(submission):
    """A column a little longer than the threshold is kept; with a threshold of 0, all that are not zero."""
    W = torch.tensor([[[0.503, 0.0, 0.0], [0.0, -0.3, 0.0]]])
    compare(submission.represented(W), torch.tensor([[True, False, False]]), what=WHAT, axes=AXES)
    compare(
        submission.represented(W, 0.0), torch.tensor([[True, True, False]]), what=f"{WHAT} (threshold 0)", axes=AXES
    )


def test_exactly_as_long(submission):
    """A column exactly as long as the threshold is not longer than it."""
    W = torch.tensor([[[0.5, 0.0, 0.0], [0.0, -0.625, 0.375]]])
    compare(submission.represented(W), torch.tensor([[False, True, False]]), what=WHAT, axes=AXES)
    compare(submission.represented(W, 0.625), torch.tensor([[False, False, False]]), what=WHAT, axes=AXES)
    compare(submission.represented(torch.zeros(1, 2, 3), 0.0), torch.zeros(1, 3).bool(), what=WHAT, axes=AXES)


@mistake("A threshold of 0 is taken for none, since `threshold or 0.5` is 0.5 then: use the argument as it is.")
def zero_is_no_threshold(W, threshold=0.5):
    return W.norm(dim=-2) > (threshold or 0.5)


@mistake("You ask for at least as long as the threshold: a feature is kept if it is longer, `>` and not `>=`.")
def at_least(W, threshold=0.5):
    return W.norm(dim=-2) >= threshold


@mistake("The threshold is always 0.5: use the argument.")
def fixed_threshold(W, threshold=0.5):
    return W.norm(dim=-2) > 0.5


@mistake("You measure rows: dimension -1 of W runs over features, and a feature's direction runs along dimension -2.")
def rows(W, threshold=0.5):
    return W.norm(dim=-1) > threshold


@mistake("You compare the squared length with the threshold: take the root.")
def squared(W, threshold=0.5):
    return W.pow(2).sum(dim=-2) > threshold


@mistake("You add up absolute entries: a length is the root of the sum of squares.")
def absolute_entries(W, threshold=0.5):
    return W.abs().sum(dim=-2) > threshold


@mistake("You look at the largest entry of each column: several small ones make a long vector too.")
def largest_entry(W, threshold=0.5):
    return W.abs().amax(dim=-2) > threshold


@mistake("You add up the entries with their signs: (0, -0.6) is as long as (0, 0.6).")
def signed_sum(W, threshold=0.5):
    return W.sum(dim=-2) > threshold


@mistake("You take the root of the mean square: a length is the root of the sum, whatever the number of dimensions.")
def root_mean_square(W, threshold=0.5):
    return W.pow(2).mean(dim=-2).sqrt() > threshold


@mistake("You compare lengths with the longest feature's: the threshold is a length, and no fraction.")
def relative(W, threshold=0.5):
    length = W.norm(dim=-2)
    return length > threshold * length.amax(dim=-1, keepdim=True)


@mistake("You return which features are dropped: True stands for those that are kept.")
def dropped(W, threshold=0.5):
    return W.norm(dim=-2) <= threshold


@mistake("You return the lengths themselves: compare them with the threshold.")
def lengths(W, threshold=0.5):
    return W.norm(dim=-2)


@mistake("You return zeros and ones: the result is bool, which can be used as a mask.")
def numbers(W, threshold=0.5):
    return (W.norm(dim=-2) > threshold).float()


@mistake("Only the first dimension is looked at: a direction has an entry in each of them.")
def first_dimension(W, threshold=0.5):
    return W[:, 0].abs() > threshold


@mistake("You measure all of W at once, one number an instance: each column has a length of its own.")
def whole_matrix(W, threshold=0.5):
    return (W.norm(dim=(-2, -1)) > threshold)[:, None].expand(-1, W.shape[-1])


@mistake("Only the first instance is judged, and the others get its answer.")
def first_instance(W, threshold=0.5):
    return (W[0].norm(dim=0) > threshold).expand(len(W), -1)
