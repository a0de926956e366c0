"""Grades `l1_loss`: numbers worked by hand, a slow loop over entries, gradients from the formula."""

import pytest
import torch

from dojo.grading import compare, mistake


def draw(rand, batch=3, d_in=5, d_sae=7):
    """x, x_hat, f with zeros in it, and a decoder whose rows have lengths from 0.3 to 3."""
    f = rand.uniform(batch, d_sae, low=0.1, high=2.0) * (rand.uniform(batch, d_sae) < 0.6)
    W_dec = rand.normal(d_sae, d_in)
    W_dec = W_dec / W_dec.norm(dim=-1, keepdim=True) * rand.uniform(d_sae, 1, low=0.3, high=3.0)
    return rand.normal(batch, d_in), rand.normal(batch, d_in), f, W_dec


def by_hand(x, x_hat, f, W_dec, coefficient):
    """Entry by entry."""
    total = 0.0
    for b in range(len(x)):
        for a, a_hat in zip(x[b].tolist(), x_hat[b].tolist(), strict=True):
            total += (a - a_hat) ** 2
        for activation, row in zip(f[b].tolist(), W_dec.tolist(), strict=True):
            total += coefficient * activation * sum(w * w for w in row) ** 0.5
    return total / len(x)


def test_worked_by_hand(submission):
    """The example by hand: errors 1 and 4, prices 0.5 * 10 and 0.5 * 2: the mean is 5.5."""
    x, x_hat = torch.tensor([[1.0, 0.0], [2.0, 2.0]]), torch.tensor([[1.0, 1.0], [2.0, 0.0]])
    f, W_dec = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 1.0]])
    compare(submission.l1_loss(x, x_hat, f, W_dec, 0.5), 5.5, what="the loss")


def test_no_price(submission, rand):
    """With coefficient 0 the loss is the squared error, summed over d_in and averaged over the batch."""
    x, x_hat, f, W_dec = draw(rand)
    expected = sum((a - b) ** 2 for a, b in zip(x.flatten().tolist(), x_hat.flatten().tolist(), strict=True)) / 3
    compare(submission.l1_loss(x, x_hat, f, W_dec, 0.0), expected, what="the loss with coefficient 0")


def test_the_price_alone(submission, rand):
    """Where x_hat = x, the price is left: each activation times the length of its decoder row."""
    x, _, f, W_dec = draw(rand)
    compare(submission.l1_loss(x, x.clone(), f, W_dec, 0.8), by_hand(x, x, f, W_dec, 0.8), what="the price alone")


@pytest.mark.parametrize(
    "batch, d_in, d_sae, coefficient", [(3, 5, 7, 0.6), (6, 4, 9, 2.5), (1, 7, 3, 0.05), (4, 3, 3, 0.7)]
)
def test_agrees_with_a_slow_loop(submission, rand, batch, d_in, d_sae, coefficient):
    """Both terms together, for batches, widths and prices of different sizes."""
    x, x_hat, f, W_dec = draw(rand, batch, d_in, d_sae)
    expected = by_hand(x, x_hat, f, W_dec, coefficient)
    compare(submission.l1_loss(x, x_hat, f, W_dec, coefficient), expected, what="the loss")


def test_scale_is_free(submission, rand):
    """A decoder row ten times as long, and its latent's activation a tenth: the loss is the same."""
    x, x_hat, f, W_dec = draw(rand)
    scale = rand.uniform(7, low=0.1, high=10.0)
    out = submission.l1_loss(x, x_hat, f / scale, W_dec * scale[:, None], 0.7)
    compare(out, by_hand(x, x_hat, f, W_dec, 0.7), what="the loss after rescaling")


def test_gradients(submission, kit, rand):
    """Gradients flow to x_hat, f and W_dec, through the lengths of the decoder's rows too."""
    x, x_hat, f, W_dec = draw(rand)
    found = kit.gradients_by(submission.l1_loss, [x, x_hat, f, W_dec], 0.6)
    lengths = W_dec.pow(2).sum(dim=-1, keepdim=True).sqrt()
    expected = {
        "x": 2 * (x - x_hat) / 3,
        "x_hat": 2 * (x_hat - x) / 3,
        "f": 0.6 * lengths.T.expand(3, 7) / 3,
        "W_dec": 0.6 * f.sum(dim=0)[:, None] / 3 * W_dec / lengths,
    }
    for gradient, (name, wanted) in zip(found, expected.items(), strict=True):
        # a learner's f.abs() has no slope at 0: only the active latents' entries count
        kept = f > 0 if name == "f" else torch.ones_like(wanted, dtype=torch.bool)
        compare(gradient * kept, wanted * kept, what=f"the gradient with respect to {name}")


def error(x, x_hat):
    return (x - x_hat).pow(2).sum(dim=-1).mean()


def price(f, W_dec):
    return (f @ W_dec.norm(dim=-1)).mean()


@mistake("The squared error is averaged over d_in: sum over d_in, average over the batch.")
def mean_squared_error(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).pow(2).mean() + coefficient * price(f, W_dec)


@mistake("Both terms are summed over the batch: average over it.")
def summed_over_the_batch(x, x_hat, f, W_dec, coefficient):
    return len(x) * (error(x, x_hat) + coefficient * price(f, W_dec))


@mistake("The error is summed over the batch too: average over the batch, like the price.")
def error_summed(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).pow(2).sum() + coefficient * price(f, W_dec)


@mistake("The price is summed over the batch too: average over the batch, like the error.")
def price_summed(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * (f @ W_dec.norm(dim=-1)).sum()


@mistake("The price is averaged over latents: sum over them, average over the batch.")
def price_averaged(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * (f * W_dec.norm(dim=-1)).mean()


@mistake("Both terms are averaged over all entries: sum over the last axis, average over the batch only.")
def all_averaged(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).pow(2).mean() + coefficient * (f * W_dec.norm(dim=-1)).mean()


@mistake("The lengths of the decoder's rows are missing from the price: each f_i counts as often as its row is long.")
def without_lengths(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * f.sum(dim=-1).mean()


@mistake("The price takes the squared lengths of the decoder's rows: take the lengths.")
def squared_lengths(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * (f @ W_dec.pow(2).sum(dim=-1)).mean()


@mistake(
    "The lengths are those of W_dec's columns (dim=0): a latent's direction is a row, so take the norm over dim=-1."
)
def lengths_of_columns(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * (f @ W_dec.norm(dim=0)).mean()


@mistake("You take one norm of the whole decoder: each row has a length of its own.")
def one_norm(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * f.sum(dim=-1).mean() * W_dec.norm()


@mistake(
    "You take the absolute values of the decoder's entries for its length: the length is the root of the sum of squares."
)
def l1_lengths(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * (f @ W_dec.abs().sum(dim=-1)).mean()


@mistake("The price is that of f squared: the L1 price is linear in f.")
def squared_activations(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * price(f.pow(2), W_dec)


@mistake("The price counts active latents: counting has no gradient. The L1 price takes how strong they are.")
def counted(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * price((f > 0).float(), W_dec)


@mistake("The error is a length (a square root): take the squared length.")
def root_of_the_error(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).norm(dim=-1).mean() + coefficient * price(f, W_dec)


@mistake("The error is the sum of absolute differences: take their squares.")
def absolute_error(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).abs().sum(dim=-1).mean() + coefficient * price(f, W_dec)


@mistake("The error is halved: there is no factor 1/2 in this definition.")
def half_of_the_error(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) / 2 + coefficient * price(f, W_dec)


@mistake("The coefficient multiplies the error: it is the price's.")
def coefficient_on_the_error(x, x_hat, f, W_dec, coefficient):
    return coefficient * error(x, x_hat) + price(f, W_dec)


@mistake("The coefficient multiplies both terms (a bracket?): it is the price's.")
def coefficient_on_both(x, x_hat, f, W_dec, coefficient):
    return coefficient * (error(x, x_hat) + price(f, W_dec))


@mistake("The coefficient is missing.")
def no_coefficient(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + price(f, W_dec)


@mistake("The price is subtracted: it is added, since the loss is made small.")
def price_subtracted(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) - coefficient * price(f, W_dec)


@mistake("No gradient flows through the lengths (detach or no_grad): the decoder's length has its price too.")
def lengths_detached(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat) + coefficient * price(f, W_dec.detach())


@mistake("You return a plain number (.item()): nothing can be trained with it. Return the tensor.")
def a_plain_number(x, x_hat, f, W_dec, coefficient):
    return (error(x, x_hat) + coefficient * price(f, W_dec)).item()


@mistake("You return the two terms: add them up.")
def two_terms(x, x_hat, f, W_dec, coefficient):
    return error(x, x_hat), coefficient * price(f, W_dec)


@mistake("You return one loss for each input: average over the batch.")
def one_for_each_input(x, x_hat, f, W_dec, coefficient):
    return (x - x_hat).pow(2).sum(dim=-1) + coefficient * (f @ W_dec.norm(dim=-1))
