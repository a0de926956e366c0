"""Grades `l0`: numbers counted by hand, and a slow loop over every entry."""

import pytest
import torch

from dojo.grading import compare, mistake

BY_HAND = [
    ([[0.0, 2.0, 0.5, 0.0], [0.0, 0.0, 0.0, 3.0]], 1.5),
    ([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], 0.0),
    ([[1.0, 0.2], [3.0, 0.1], [7.0, 9.0]], 2.0),
    ([[0.0, 4.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]], 2 / 3),
]


def sparse(rand, *shape, density=0.3):
    return rand.uniform(*shape, low=0.1, high=4.0) * (rand.uniform(*shape) < density)


@pytest.mark.parametrize("f, expected", BY_HAND)
def test_counted_by_hand(submission, f, expected):
    """Counts the active latents of each input and averages over inputs."""
    compare(submission.l0(torch.tensor(f)), expected, what="l0")


@pytest.mark.parametrize("shape", [(9,), (4, 7), (2, 3, 11), (3, 2, 4, 5)])
def test_any_number_of_leading_axes(submission, rand, shape):
    """f may be one vector, a batch, or [batch, pos, d_sae]: all axes but the last are averaged over."""
    f = sparse(rand, *shape)
    rows = f.reshape(-1, shape[-1]).tolist()
    expected = sum(1 for row in rows for value in row if value != 0) / len(rows)
    compare(submission.l0(f), expected, what="l0")


def test_weak_activations_count(submission, rand):
    """A latent that is active by a millionth is active."""
    f = sparse(rand, 6, 8) * 1e-6
    expected = sum(1 for row in f.tolist() for value in row if value > 0) / 6
    compare(submission.l0(f), expected, what="l0")


@mistake("You average over latents as well: that is the fraction of latents that are active, not their number.")
def a_fraction(f):
    return (f != 0).float().mean()


@mistake("You count over all inputs: average over inputs, sum over latents only.")
def a_total(f):
    return (f != 0).sum().float()


@mistake("You keep one number an input: average them.")
def not_averaged(f):
    return (f != 0).sum(dim=-1).float()


@mistake("You count inputs for each latent (the first axis is summed): count latents for each input, the last axis.")
def the_first_axis_is_summed(f):
    return (f != 0).sum(dim=0).float().mean()


@mistake("You sum over all axes but the first. Only the last axis is summed; positions are averaged like the batch.")
def all_but_the_first(f):
    return (f != 0).float().reshape(len(f), -1).sum(dim=-1).mean() if f.ndim > 1 else (f != 0).sum().float()


@mistake("You count only what is above some small number: every entry that is not 0 counts, however weak.")
def above_a_floor(f):
    return (f > 1e-3).sum(dim=-1).float().mean()


@mistake("You add the activations up: that is the L1 norm. L0 counts, however strong they are.")
def l1(f):
    return f.sum(dim=-1).mean()


@mistake("You count the zeros: count the entries that are not 0.")
def zeros(f):
    return (f == 0).sum(dim=-1).float().mean()


@mistake("You count the latents that are active on any input at all: count for each input, then average.")
def active_anywhere(f):
    return (f.reshape(-1, f.shape[-1]) != 0).any(dim=0).sum().float()


@mistake("The mean was cut to a whole number: turn the counts into floats before you average.")
def whole_numbers(f):
    return (f != 0).sum(dim=-1).float().mean().floor()


@mistake("You take the largest count over inputs: take the mean.")
def the_largest(f):
    return (f != 0).sum(dim=-1).float().max()


@mistake("You take the median over inputs: take the mean.")
def the_median(f):
    return (f != 0).sum(dim=-1).float().median()
