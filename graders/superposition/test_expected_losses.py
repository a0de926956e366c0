"""expected_losses: averages over a fine grid of all inputs, fed to the two models as they are described; and by hand."""

import pytest
import torch

import solutions.superposition as ref
from dojo.grading import compare, mistake

CASES = [(0.0, 1.0), (0.35, 0.7), (0.8, 0.25), (0.95, 3.0), (0.6, 1.6)]
GRID = (torch.arange(200, dtype=torch.float64) + 0.5) / 200


def average(model, importance, p):
    """The mean weighted error of `model` where each feature is there with probability p and then anywhere on [0, 1]."""
    zero = torch.zeros(1, dtype=torch.float64)
    total = 0.0
    for there_0 in (False, True):
        for there_1 in (False, True):
            chance = (p if there_0 else 1 - p) * (p if there_1 else 1 - p)
            x = torch.cartesian_prod(GRID if there_0 else zero, GRID if there_1 else zero)
            error = (model(x) - x).pow(2).mean(dim=0)
            total += chance * float(error[0] + importance * error[1])
    return total


def dedicated(p):
    return lambda x: torch.stack([x[:, 0], torch.full_like(x[:, 1], p / 2)], dim=1)


def antipodal(x):
    hidden = x[:, 0] - x[:, 1]
    return torch.stack([hidden, -hidden], dim=1).clamp(min=0)


def check(submission, sparsity, importance, expected):
    out = submission.expected_losses(sparsity, importance)
    compare(out, expected, what=f"the dict (sparsity {sparsity}, importance {importance})", atol=2e-5, rtol=1e-3)


def test_by_hand(submission):
    """Always there, equally important: 1/3 - 1/4 = 1/12 with its own dimension, 2/6 = 1/3 as an antipodal pair."""
    check(submission, 0.0, 1.0, {"dedicated": 1 / 12, "antipodal": 1 / 3})


def test_there_half_of_the_time(submission):
    """Sparsity 1/2, importance 1/2: 5/96 = 0.0521 with its own dimension, 1/16 = 0.0625 as an antipodal pair."""
    check(submission, 0.5, 0.5, {"dedicated": 5 / 96, "antipodal": 1 / 16})


@pytest.mark.parametrize("sparsity, importance", CASES)
def test_against_all_inputs(submission, sparsity, importance):
    """Both losses are what the two models really lose, averaged over a fine grid of inputs."""
    p = 1 - sparsity
    expected = {"dedicated": average(dedicated(p), importance, p), "antipodal": average(antipodal, importance, p)}
    check(submission, sparsity, importance, expected)


def test_nothing_is_ever_there(submission):
    """At sparsity 1 every input is zero, and neither model makes an error."""
    check(submission, 1.0, 0.7, {"dedicated": 0.0, "antipodal": 0.0})


def test_an_unimportant_feature(submission):
    """With importance 0 the second feature may be lost for nothing; the pair still spoils the first."""
    check(submission, 0.25, 0.0, {"dedicated": 0.0, "antipodal": 0.75**2 / 6})


def test_where_they_cross(submission):
    """With equal importance the two are equal at density 4/7, the pair is cheaper below and dearer above."""
    at = submission.expected_losses(3 / 7, 1.0)
    compare(float(at["dedicated"]), float(at["antipodal"]), what="'dedicated' where they cross", atol=1e-5)
    for sparsity in (0.55, 0.3):
        both = submission.expected_losses(sparsity, 1.0)
        cheaper = bool(both["antipodal"] < both["dedicated"])
        compare(cheaper, sparsity > 3 / 7, what=f"'the pair is cheaper' at sparsity {sparsity}")


def losses(dedicated, antipodal):
    return {"dedicated": dedicated, "antipodal": antipodal}


def right(s, i):
    return ref.expected_losses(s, i)


@mistake("sparsity is used as the chance that a feature is there: it is the chance that it is 0.")
def sparsity_for_density(sparsity, importance):
    return right(1 - sparsity, importance)


@mistake("In the dedicated model b_1 is 0: with its mean p / 2 the loss is smaller by p^2 / 4.")
def no_bias(sparsity, importance):
    p = 1 - sparsity
    return losses(importance * p / 3, right(sparsity, importance)["antipodal"])


@mistake(
    "The guess is 1/2, the mean where the feature is there; it is mostly not there: its mean over all inputs is p / 2."
)
def mean_where_present(sparsity, importance):
    p = 1 - sparsity
    return losses(importance * (p / 12 + (1 - p) / 4), right(sparsity, importance)["antipodal"])


@mistake("The dedicated loss leaves out the inputs without the feature: there the guess is wrong as well.")
def only_where_present(sparsity, importance):
    p = 1 - sparsity
    return losses(importance * p * (1 / 3 - p / 2 + p**2 / 4), right(sparsity, importance)["antipodal"])


@mistake("The dedicated loss is p / 12, the variance of a uniform number: the feature's variance is p / 3 - p^2 / 4.")
def uniform_variance(sparsity, importance):
    return losses(importance * (1 - sparsity) / 12, right(sparsity, importance)["antipodal"])


@mistake("The dedicated loss misses its factor: what is lost is feature 1, which has the importance.")
def dedicated_unweighted(sparsity, importance):
    return losses(right(sparsity, 1.0)["dedicated"], right(sparsity, importance)["antipodal"])


@mistake("In the dedicated model only feature 1 is wrong; feature 0 comes through untouched and costs nothing.")
def both_guessed(sparsity, importance):
    return losses((1 + importance) * right(sparsity, 1.0)["dedicated"], right(sparsity, importance)["antipodal"])


@mistake("The pair errs only where both features are there, with probability p^2 and not p.")
def p_not_squared(sparsity, importance):
    p = 1 - sparsity
    return losses(right(sparsity, importance)["dedicated"], (1 + importance) * p / 6)


@mistake("The pair errs by the smaller of the two numbers, mean square 1/6; yours is the larger's, 1/2.")
def the_larger(sparsity, importance):
    p = 1 - sparsity
    return losses(right(sparsity, importance)["dedicated"], (1 + importance) * p**2 / 2)


@mistake("The pair's error is squared: the smaller number has mean 1/3, but mean square 1/6.")
def mean_of_the_smaller(sparsity, importance):
    p = 1 - sparsity
    return losses(right(sparsity, importance)["dedicated"], (1 + importance) * p**2 / 3)


@mistake("You square the smaller number's mean, 1/9: the mean of its square is 1/6.")
def squared_mean(sparsity, importance):
    p = 1 - sparsity
    return losses(right(sparsity, importance)["dedicated"], (1 + importance) * p**2 / 9)


@mistake("Both features of the pair are wrong where both are there: add feature 0, with importance 1.")
def pair_only_second(sparsity, importance):
    p = 1 - sparsity
    return losses(right(sparsity, importance)["dedicated"], importance * p**2 / 6)


@mistake("Both features of the pair are wrong where both are there: add feature 1, with its importance.")
def pair_only_first(sparsity, importance):
    p = 1 - sparsity
    return losses(right(sparsity, importance)["dedicated"], p**2 / 6)


@mistake("The pair's errors are weighted alike: 1 for feature 0, `importance` for feature 1.")
def pair_unweighted(sparsity, importance):
    p = 1 - sparsity
    return losses(right(sparsity, importance)["dedicated"], p**2 / 3)


@mistake("Without the ReLU one feature alone would come out as a negative number of the other: the pair has it.")
def no_relu(sparsity, importance):
    p = 1 - sparsity
    return losses(right(sparsity, importance)["dedicated"], (1 + importance) * p / 3)


@mistake("The chance that both are there is p^2; you took the chance that at least one is.")
def at_least_one(sparsity, importance):
    return losses(right(sparsity, importance)["dedicated"], (1 + importance) * (1 - sparsity**2) / 6)


@mistake("The losses are averaged over the two features: sum them, as importance_loss does.")
def averaged(sparsity, importance):
    return {name: loss / 2 for name, loss in right(sparsity, importance).items()}


@mistake("The names are swapped: 'antipodal' is the pair on one line.")
def swapped(sparsity, importance):
    return losses(*reversed(right(sparsity, importance).values()))


@mistake("The pair's loss is taken where both are there: multiply by the chance of that, p^2.")
def given_both(sparsity, importance):
    return losses(right(sparsity, importance)["dedicated"], (1 + importance) / 6)
