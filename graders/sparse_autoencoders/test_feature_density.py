"""Grades `feature_density`: counts by hand, and a slow count of every token."""

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake

WHAT, AXES = "the tensor of densities", "latent"


def activations(rand, *shape):
    """Latents that are rare and common, weak and strong: not negative, mostly 0."""
    often = torch.linspace(0.1, 0.9, shape[-1])
    active = rand.uniform(*shape) < often
    return active * rand.uniform(*shape, low=0.05, high=3.0)


def slow(f):
    rows = f.reshape(-1, f.shape[-1])
    return torch.tensor([sum(value > 0 for value in column) / len(rows) for column in rows.T.tolist()])


def test_by_hand(submission):
    """Of five tokens, latent 0 is active on one, latent 1 on four, latent 2 on none; on one token all are silent."""
    f = torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.5, 0.0], [3.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    compare(submission.feature_density(f), torch.tensor([0.2, 0.8, 0.0]), what=WHAT, axes=AXES)


@pytest.mark.parametrize("shape", [(7, 5), (3, 4, 6), (2, 3, 2, 5)])
def test_agrees_with_a_slow_count(submission, rand, shape):
    """The densities are right, however many axes the tokens have; silent tokens count too."""
    f = activations(rand, *shape)
    f[..., -1, :] = 0
    compare(submission.feature_density(f), slow(f), what=WHAT, axes=AXES)


def test_faint_activations_count(submission):
    """A latent that is active only a little is active."""
    f = torch.tensor([[1e-4, 0.0, 2.0], [1e-6, 0.3, 0.0], [0.0, 0.0, 3e-5]])
    expected = torch.tensor([2 / 3, 1 / 3, 2 / 3])
    compare(submission.feature_density(f), expected, what=WHAT, axes=AXES)


def test_many_tokens(submission, rand):
    """Densities of a few in a thousand come out as such."""
    f = (rand.uniform(40, 50, 4) < torch.tensor([0.004, 0.02, 0.0, 1.0])) * rand.uniform(40, 50, 4, low=0.1)
    expected = torch.tensor([int((f[..., i] > 0).sum()) / 2000 for i in range(4)])
    compare(submission.feature_density(f), expected, what=WHAT, axes=AXES, atol=2e-5)


# --- known mistakes: those that are wrong in fewer places first ---


@mistake("You count only activations above some size: any f > 0 is active, however faint.")
def above_a_threshold(f):
    return ref.feature_density(f * (f > 1e-3))


@mistake("You round the result: a density may be one in ten thousand.")
def rounded(f):
    return (ref.feature_density(f) * 100).round() / 100


@mistake("You average over the batch only: positions are tokens too, so all axes but the last go.")
def over_the_batch_only(f):
    return (f > 0).float().mean(dim=0)


@mistake("You average over positions only: all axes but the last go.")
def over_positions_only(f):
    return (f > 0).float().mean(dim=-2)


@mistake("A whole row counts as active if one of its tokens is: count tokens.")
def rows_not_tokens(f):
    return (f > 0).any(dim=-2).float().flatten(0, -2).mean(dim=0) if f.ndim > 2 else ref.feature_density(f)


@mistake("That is the mean activation: density asks how often, not how much.")
def mean_activation(f):
    return f.flatten(0, -2).mean(dim=0)


@mistake("That is the mean activation where the latent is active: density asks how often it is.")
def mean_where_active(f):
    flat = f.flatten(0, -2)
    return flat.sum(dim=0) / (flat > 0).sum(dim=0).clamp(min=1)


@mistake("You count tokens: divide by how many there are.")
def a_count(f):
    return (f > 0).float().flatten(0, -2).sum(dim=0)


@mistake("In percent: the answer is a fraction from 0 to 1.")
def percent(f):
    return 100 * ref.feature_density(f)


@mistake("You average over the latents, one number for each token: that is L0's neighbour. Average over tokens.")
def over_latents(f):
    return (f > 0).float().mean(dim=-1).flatten()


@mistake("You average over everything: one number for each latent is asked for.")
def over_everything(f):
    return (f > 0).float().mean()


@mistake(
    "The densities are divided by their sum: each latent has its own fraction of tokens, and several fire at once."
)
def shares_of_all(f):
    count = (f > 0).float().flatten(0, -2).sum(dim=0)
    return count / count.sum()


@mistake("Tokens on which no latent is active are left out of the count: they are tokens too.")
def of_the_active_tokens(f):
    active = (f > 0).flatten(0, -2)
    return active.float().sum(dim=0) / active.any(dim=-1).sum()


@mistake("f >= 0 is true everywhere: active means above 0.")
def at_least_zero(f):
    return (f >= 0).float().flatten(0, -2).mean(dim=0)


@mistake("That is the fraction of tokens on which the latent is silent: turn it round.")
def silent(f):
    return 1 - ref.feature_density(f)


@mistake("You return the logarithm: the histogram will take it, the density is the fraction itself.")
def logarithm(f):
    return ref.feature_density(f).clamp(min=1e-10).log10()


@mistake("You divide by the size of f, latents included: divide by the number of tokens.")
def divided_by_all_entries(f):
    return (f > 0).float().flatten(0, -2).sum(dim=0) / f.numel()
