"""Grades `in_context_score`. Oracles: losses worked by hand, and a slow loop in double precision."""

import pytest
import torch

import solutions.induction_heads as ref
from dojo.grading import compare, mistake


def _slowly(losses, early, late):
    rows = losses.double().tolist()
    return torch.tensor(sum(row[late] - row[early] for row in rows) / len(rows), dtype=torch.float32)


def test_losses_worked_by_hand(submission):
    """Mean late losses 2 and 4, mean early losses 3.5 and 4.5: the score is (2 + 4) / 2 - (3.5 + 4.5) / 2 = -1."""
    losses = torch.tensor([[9.0, 3.5, 1.0, 2.0, 7.0], [8.0, 4.5, 6.0, 4.0, 0.0]])
    compare(submission.in_context_score(losses, 1, 3), torch.tensor(-1.0), what="the score")


def test_one_number(submission, rand):
    """The score is one number for the whole batch."""
    score = submission.in_context_score(rand.uniform(3, 8, high=5.0), 2, 6)
    compare(score, torch.tensor(0.0), what="the score", atol=torch.inf)


def test_context_that_does_harm(submission):
    """Where late losses are higher than early ones, the score is positive; where they are equal it is 0."""
    losses = torch.tensor([[1.0, 2.0, 4.0, 2.0], [3.0, 1.0, 3.0, 1.0], [0.0, 3.0, 5.0, 3.0]])
    compare(submission.in_context_score(losses, 1, 2), torch.tensor(2.0), what="the score")
    compare(submission.in_context_score(losses, 1, 3), torch.tensor(0.0), what="the score")


def test_by_default_the_50th_and_the_500th(submission, rand):
    """Without `early` and `late`, the losses at the indices 50 and 500 are compared."""
    losses = rand.uniform(3, 510, high=0.1)
    losses[:, 50] += torch.tensor([4.0, 5.0, 6.0])
    losses[:, 500] += torch.tensor([1.0, 1.5, 3.0])
    compare(submission.in_context_score(losses), _slowly(losses, 50, 500), what="the score")


@pytest.mark.parametrize("early, late", [(0, 4), (2, -1), (-5, -3), (-7, 3), (6, 6)])
def test_indices(submission, rand, early, late):
    """`early` and `late` are indices from 0; negative ones count from the end."""
    losses = rand.uniform(4, 7, high=6.0)
    score = submission.in_context_score(losses, early, late)
    compare(score, _slowly(losses, early, late), what=f"the score with early = {early} and late = {late}")


def test_late_before_early(submission, rand):
    """It is always late minus early, also where `late` stands before `early`; they may be named."""
    losses = rand.uniform(2, 9, high=6.0)
    compare(submission.in_context_score(losses, early=7, late=1), _slowly(losses, 7, 1), what="the score")


def test_agrees_with_the_reference(agree, rand):
    """The score agrees with the reference on a larger batch."""
    agree("in_context_score", rand.uniform(17, 64, high=9.0), 5, 60, what="the score")


# Those that are wrong in a few tests only stand before those that are wrong there in the same way, and in others too.


@mistake("You throw the sign away; where late losses are higher the score is positive.")
def absolute(losses, early=50, late=500):
    return ref.in_context_score(losses, early, late).abs()


@mistake("You throw each row's sign away before taking the mean.")
def absolute_in_each_row(losses, early=50, late=500):
    return (losses[:, late] - losses[:, early]).abs().mean()


@mistake("You wrote the defaults for counting from 1: as indices they are 50 and 500.")
def other_defaults(losses, early=49, late=499):
    return ref.in_context_score(losses, early, late)


@mistake("You cut the positions off with a slice, so that -1 does not work: index with `early` and `late` themselves.")
def slices(losses, early=50, late=500):
    return losses[:, late : late + 1].mean() - losses[:, early : early + 1].mean()


@mistake("The sign is turned round: it is the late loss minus the early one, so that context that helps is negative.")
def early_minus_late(losses, early=50, late=500):
    return -ref.in_context_score(losses, early, late)


@mistake("You index rows, not positions: position is the second axis, losses[:, late].")
def rows_for_positions(losses, early=50, late=500):
    return losses[late].mean() - losses[early].mean()


@mistake("You compare the mean of all losses up to `late` with the mean up to `early`; take the two positions alone.")
def means_up_to(losses, early=50, late=500):
    return losses[:, : late + 1].mean() - losses[:, : early + 1].mean()


@mistake("You compare the mean from `late` on with the mean before `early`; take the two positions alone.")
def means_of_both_ends(losses, early=50, late=500):
    return losses[:, late:].mean() - losses[:, :early].mean()


@mistake("You count positions from 1: `early` and `late` are indices, from 0.")
def counts_from_one(losses, early=50, late=500):
    return (losses[:, late - 1] - losses[:, early - 1]).mean()


@mistake("You take the positions after the ones that were named: no shift is needed here.")
def one_further(losses, early=50, late=500):
    return (losses.roll(-1, dims=1)[:, late] - losses.roll(-1, dims=1)[:, early]).mean()


@mistake("You sum over the batch; take the mean.")
def sums(losses, early=50, late=500):
    return (losses[:, late] - losses[:, early]).sum()


@mistake("You return one number for each row; take the mean over the batch as well.")
def one_for_each_row(losses, early=50, late=500):
    return losses[:, late] - losses[:, early]


@mistake("You take the median of the batch; take the mean.")
def median(losses, early=50, late=500):
    return (losses[:, late] - losses[:, early]).median()


@mistake("You look at the first row only; take the mean over the batch.")
def first_row(losses, early=50, late=500):
    return losses[0, late] - losses[0, early]


@mistake("This is the late loss alone; subtract the early one.")
def late_alone(losses, early=50, late=500):
    return losses[:, late].mean()


@mistake("You divide the two losses; subtract the early one from the late one.")
def ratio(losses, early=50, late=500):
    return losses[:, late].mean() / losses[:, early].mean()


@mistake("You divide by the number of positions between the two; the score is the plain difference.")
def slope(losses, early=50, late=500):
    return ref.in_context_score(losses, early, late) / (late - early)


@mistake("You compare perplexities, exp(loss); compare the losses themselves, in nats.")
def perplexities(losses, early=50, late=500):
    return (losses[:, late].exp() - losses[:, early].exp()).mean()


@mistake("You have written 50 and 500 into the body; use `early` and `late`.")
def fixed_places(losses, early=50, late=500):
    return (losses[:, 500] - losses[:, 50]).mean()
