"""Grades `explained_variance`: numbers worked by hand, and plain sums, entry by entry. No coordinate of x has mean 0."""

import pytest
import torch

from dojo.grading import compare, mistake


def draw(rand, batch=6, d_in=4):
    """Coordinates with means far from 0 and from one another, and different spreads; x_hat is off by a bit, and on average."""
    spread = rand.uniform(d_in, low=0.5, high=3.0)
    x = rand.normal(batch, d_in) * spread + 4 * rand.normal(d_in)
    return x, x + 0.6 * rand.normal(batch, d_in) + 0.4 * rand.normal(d_in)


def by_hand(x, x_hat):
    left, all_of_it = 0.0, 0.0
    for column, column_hat in zip(x.T.tolist(), x_hat.T.tolist(), strict=True):
        mean = sum(column) / len(column)
        for value, value_hat in zip(column, column_hat, strict=True):
            left += (value - value_hat) ** 2
            all_of_it += (value - mean) ** 2
    return 1 - left / all_of_it


def test_worked_by_hand(submission):
    """The example by hand: the squared error is 2, the variance 8, so 0.75 is explained."""
    x = torch.tensor([[1.0, 5.0], [3.0, 5.0], [2.0, 8.0], [2.0, 6.0]])
    x_hat = torch.tensor([[1.0, 5.0], [3.0, 5.0], [2.0, 7.0], [1.0, 6.0]])
    compare(submission.explained_variance(x, x_hat), 0.75, what="the fraction")
    compare(
        submission.explained_variance(x[:, :1], x_hat[:, :1]), 0.5, what="the fraction of the first coordinate alone"
    )


def test_all_is_right(submission, rand):
    """A perfect reconstruction explains 1."""
    x, _ = draw(rand)
    compare(submission.explained_variance(x, x.clone()), 1.0, what="the fraction of a perfect reconstruction")


def test_the_mean_explains_nothing(submission, rand):
    """Each coordinate's mean, the same for all inputs, explains 0."""
    x, _ = draw(rand)
    compare(
        submission.explained_variance(x, x.mean(dim=0).expand_as(x)), 0.0, what="the fraction that the mean explains"
    )


@pytest.mark.parametrize("batch, d_in", [(6, 4), (3, 7), (9, 2), (2, 3), (5, 5)])
def test_agrees_with_plain_sums(submission, rand, batch, d_in):
    """Both sums run over the batch and over d_in."""
    x, x_hat = draw(rand, batch, d_in)
    compare(submission.explained_variance(x, x_hat), by_hand(x, x_hat), what="the fraction")


def test_negative(submission, rand):
    """A reconstruction that is worse than the mean explains less than 0."""
    x, _ = draw(rand)
    x_hat = x.mean(dim=0) - 2 * (x - x.mean(dim=0)) + 1
    compare(submission.explained_variance(x, x_hat), by_hand(x, x_hat), what="the fraction")


def test_a_reconstruction_that_never_changes(submission, rand):
    """One and the same x_hat for all inputs, but not their mean."""
    x, _ = draw(rand)
    x_hat = (x.mean(dim=0) + 0.3 * rand.normal(4)).expand_as(x)
    compare(submission.explained_variance(x, x_hat), by_hand(x, x_hat), what="the fraction")


def left(x, x_hat):
    return (x - x_hat).pow(2).sum()


def spread(x):
    return (x - x.mean(dim=0)).pow(2).sum()


@mistake("Negative results are cut off at 0: let them be seen, they say that the mean would do better.")
def cut_at_0(x, x_hat):
    return (1 - left(x, x_hat) / spread(x)).clamp(min=0)


@mistake(
    "Nothing is subtracted from x in the denominator: without the mean, a large constant part counts as explained."
)
def no_mean(x, x_hat):
    return 1 - left(x, x_hat) / x.pow(2).sum()


@mistake("You subtract one mean over all entries: each coordinate has a mean of its own, over the batch (dim=0).")
def one_mean_for_all(x, x_hat):
    return 1 - left(x, x_hat) / (x - x.mean()).pow(2).sum()


@mistake("You subtract the mean over d_in (dim=-1): take the mean over the batch, dim=0.")
def mean_over_coordinates(x, x_hat):
    return 1 - left(x, x_hat) / (x - x.mean(dim=-1, keepdim=True)).pow(2).sum()


@mistake("You subtract the mean of x_hat: take the mean of x.")
def mean_of_the_reconstruction(x, x_hat):
    return 1 - left(x, x_hat) / (x - x_hat.mean(dim=0)).pow(2).sum()


@mistake("The denominator is the variance of x_hat: take that of x.")
def variance_of_the_reconstruction(x, x_hat):
    return 1 - left(x, x_hat) / (x_hat - x_hat.mean(dim=0)).pow(2).sum()


@mistake("That is the fraction which is NOT explained: subtract it from 1.")
def unexplained(x, x_hat):
    return left(x, x_hat) / spread(x)


@mistake("You average each coordinate's own fraction: add up all errors and all variances first, then divide once.")
def mean_of_fractions(x, x_hat):
    return (1 - (x - x_hat).pow(2).sum(dim=0) / (x - x.mean(dim=0)).pow(2).sum(dim=0)).mean()


@mistake("You average each input's own fraction: add up over the batch first, then divide once.")
def mean_over_inputs(x, x_hat):
    return (1 - (x - x_hat).pow(2).sum(dim=1) / (x - x.mean(dim=0)).pow(2).sum(dim=1)).mean()


@mistake("You return a fraction for each input: both sums run over the batch too.")
def one_for_each_input(x, x_hat):
    return 1 - (x - x_hat).pow(2).sum(dim=1) / (x - x.mean(dim=0)).pow(2).sum(dim=1)


@mistake("You take the variance of the error, which forgives an error that is always the same: take its squares.")
def variance_of_the_error(x, x_hat):
    return 1 - spread(x - x_hat) / spread(x)


@mistake("torch.var divides by n - 1, your error by n: divide both by the same, or use sums.")
def n_and_n_minus_1(x, x_hat):
    return 1 - (x - x_hat).pow(2).mean() / x.var(dim=0).mean()


@mistake("You divide lengths: divide squares.")
def lengths(x, x_hat):
    return 1 - (left(x, x_hat) / spread(x)).sqrt()


@mistake("You divide the variances of x_hat and x: an x_hat that varies as much as x may still be wrong everywhere.")
def ratio_of_variances(x, x_hat):
    return spread(x_hat) / spread(x)


@mistake("The error is averaged and the variance is summed (or the other way round): sum both.")
def error_averaged(x, x_hat):
    return 1 - (x - x_hat).pow(2).mean() / spread(x)


@mistake("Absolute differences are not what the definition takes: square them.")
def absolute(x, x_hat):
    return 1 - (x - x_hat).abs().sum() / (x - x.mean(dim=0)).abs().sum()


@mistake("That is the squared correlation: it does not see that x_hat is too small or shifted.")
def squared_correlation(x, x_hat):
    a, b = x - x.mean(dim=0), x_hat - x_hat.mean(dim=0)
    return (a * b).sum() ** 2 / (a.pow(2).sum() * b.pow(2).sum()).clamp(min=1e-12)
