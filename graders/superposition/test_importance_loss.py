"""Grades `importance_loss`. Oracles: numbers worked by hand, one square at a time, and the derivative on paper."""

import pytest
import torch

from dojo.grading import compare, mistake

WHAT, AXES = "the loss", "instance"


def _one_by_one(x, x_hat, importance):
    losses = []
    for instance in range(x.shape[1]):
        total = 0.0
        for batch in range(x.shape[0]):
            for feature in range(x.shape[2]):
                weight = float(importance[instance, feature] if importance.ndim == 2 else importance[feature])
                total += weight * float(x[batch, instance, feature] - x_hat[batch, instance, feature]) ** 2
        losses.append(total / x.shape[0])
    return torch.tensor(losses)


def _draw(rand, n_batch=6, n_instances=3, n_features=4, per_instance=False):
    x, x_hat = rand.uniform(n_batch, n_instances, n_features), 1.5 * rand.uniform(n_batch, n_instances, n_features)
    x, x_hat = x * (x > 0.4), x_hat * (x_hat > 0.4)  # some features are absent, and some outputs are 0
    shape = (n_instances, n_features) if per_instance else (n_features,)
    return x, x_hat, rand.uniform(*shape, low=0.2, high=2.0)


def test_by_hand(submission):
    """The example of the text: errors (0.5, -1) and (0, 2) with importances (1, 0.5) give 0.75 and 2, on average 1.375."""
    x = torch.tensor([[[0.5, 0.0]], [[0.25, 2.0]]])
    x_hat = torch.tensor([[[0.0, 1.0]], [[0.25, 0.0]]])
    loss = submission.importance_loss(x, x_hat, torch.tensor([1.0, 0.5]))
    compare(loss, torch.tensor([1.375]), what=WHAT, axes=AXES)


@pytest.mark.parametrize("sizes", [(6, 3, 4), (1, 5, 2), (4, 2, 1), (3, 1, 6)])
@pytest.mark.parametrize("per_instance", [False, True], ids=["one row", "a row an instance"])
def test_one_square_at_a_time(submission, rand, sizes, per_instance):
    """Summed over features, averaged over the batch, one number an instance; importance has a row, or one an instance."""
    x, x_hat, importance = _draw(rand, *sizes, per_instance=per_instance)
    expected = _one_by_one(x, x_hat, importance)
    compare(submission.importance_loss(x, x_hat, importance), expected, what=WHAT, axes=AXES)


def test_as_many_instances_as_features(submission, rand):
    """An importance of shape [feature] belongs to features, also where there are as many instances, or inputs."""
    x, x_hat, importance = _draw(rand, 4, 4, 4)
    expected = _one_by_one(x, x_hat, importance)
    compare(submission.importance_loss(x, x_hat, importance), expected, what=WHAT, axes=AXES)
    x, x_hat, importance = _draw(rand, 4, 4, 4, per_instance=True)
    expected = _one_by_one(x, x_hat, importance)
    compare(submission.importance_loss(x, x_hat, importance), expected, what=WHAT, axes=AXES)


def test_a_perfect_output(submission, rand):
    """Where the output is the input, the loss is 0."""
    x, _, importance = _draw(rand)
    compare(submission.importance_loss(x, x.clone(), importance), torch.zeros(3), what=WHAT, axes=AXES, atol=1e-7)


def test_importance_0(submission, rand):
    """A feature of importance 0 may be as wrong as it likes."""
    x, x_hat, importance = _draw(rand)
    importance[2] = 0
    worse = x_hat.clone()
    worse[..., 2] += 100
    expected = _one_by_one(x, x_hat, importance)
    compare(submission.importance_loss(x, worse, importance), expected, what=WHAT, axes=AXES)


@pytest.mark.parametrize("per_instance", [False, True], ids=["one row", "a row an instance"])
def test_gradients(submission, kit, rand, per_instance):
    """Gradients flow: the derivative by x_hat is 2 importance (x_hat - x) / batch."""
    x, x_hat, importance = _draw(rand, per_instance=per_instance)
    probe = rand.normal(3)
    gradient = kit.gradient_of_loss(submission.importance_loss, x, x_hat, importance, probe)
    assert gradient is not None, "No gradient reaches x_hat: return the tensor, without .item() or .detach()."
    expected = probe[:, None] * 2 * importance * (x_hat - x) / len(x)
    compare(gradient, expected, what="the gradient of x_hat", axes="batch instance feature")


def _weighted(x, x_hat, importance):
    return importance * (x - x_hat).pow(2)


@mistake("You average over features: sum over them, and average over the batch only.")
def mean_over_features(x, x_hat, importance):
    return _weighted(x, x_hat, importance).mean(dim=(0, 2))


@mistake("You sum over the batch: average over it, so that the loss does not grow with the batch.")
def sum_over_the_batch(x, x_hat, importance):
    return _weighted(x, x_hat, importance).sum(dim=(0, 2))


@mistake("You sum over the batch and average over features: it is the other way round.")
def the_other_way_round(x, x_hat, importance):
    return _weighted(x, x_hat, importance).sum(dim=0).mean(dim=-1)


@mistake("Importance is squared as well: square the error first, then multiply.")
def importance_squared(x, x_hat, importance):
    return (importance * (x - x_hat)).pow(2).sum(dim=-1).mean(dim=0)


@mistake("Importance is left out.")
def no_importance(x, x_hat, importance):
    return (x - x_hat).pow(2).sum(dim=-1).mean(dim=0)


@mistake("That is the absolute error: square it.")
def absolute_error(x, x_hat, importance):
    return (importance * (x - x_hat).abs()).sum(dim=-1).mean(dim=0)


@mistake("The errors are not squared, so that those of opposite signs cancel.")
def not_squared(x, x_hat, importance):
    return (importance * (x - x_hat)).sum(dim=-1).mean(dim=0)


@mistake("You take the square root of the loss: leave it out.")
def root(x, x_hat, importance):
    return _weighted(x, x_hat, importance).sum(dim=-1).mean(dim=0).sqrt()


@mistake("There is a factor of 1/2 in your loss.")
def half(x, x_hat, importance):
    return _weighted(x, x_hat, importance).sum(dim=-1).mean(dim=0) / 2


@mistake("You divide by the sum of the importances: the formula has no such thing.")
def weights_that_sum_to_1(x, x_hat, importance):
    return _weighted(x, x_hat, importance / importance.sum(dim=-1, keepdim=True)).sum(dim=-1).mean(dim=0)


@mistake("You add all instances up: each has a loss of its own.")
def one_number(x, x_hat, importance):
    return _weighted(x, x_hat, importance).sum(dim=-1).mean(dim=0).sum()


@mistake("You average over the instances, too: each has a loss of its own.")
def mean_over_instances(x, x_hat, importance):
    return _weighted(x, x_hat, importance).sum(dim=-1).mean()


@mistake("Your result has a number for each input of the batch: average over the batch (axis 0), not over instances.")
def one_an_input(x, x_hat, importance):
    return _weighted(x, x_hat, importance).sum(dim=-1).mean(dim=1)


@mistake("You average over the batch before you square, so that the errors of different inputs cancel.")
def batch_mean_first(x, x_hat, importance):
    return (importance * (x - x_hat).mean(dim=0).pow(2)).sum(dim=-1)


@mistake("All instances have the first one's importances: where importance is [instance, feature], each has its own.")
def first_row_for_all(x, x_hat, importance):
    return _weighted(x, x_hat, importance[0] if importance.ndim == 2 else importance).sum(dim=-1).mean(dim=0)


@mistake(
    "Only features that are there (x > 0) count in your loss: those that the model makes up must cost something, too."
)
def present_features_only(x, x_hat, importance):
    return (_weighted(x, x_hat, importance) * (x > 0)).sum(dim=-1).mean(dim=0)


@mistake("The result has no gradient: leave out .detach(), .item() and no_grad.")
def detached(x, x_hat, importance):
    return _weighted(x, x_hat, importance).sum(dim=-1).mean(dim=0).detach()
