"""Grades `remove_parallel_gradient` on autoencoders of the kit: by hand, row by row, and by what is left along each row."""

import pytest
import torch

from dojo.grading import compare, mistake


def make(kit, rand, d_in=4, d_sae=6):
    """An autoencoder whose decoder rows have lengths from 0.2 to 4, and a gradient for it that has a large parallel part."""
    W_dec = rand.normal(d_sae, d_in)
    W_dec = W_dec / W_dec.pow(2).sum(dim=-1, keepdim=True).sqrt() * rand.uniform(d_sae, 1, low=0.2, high=4.0)
    gradient = 1.5 * rand.normal(d_sae, d_in) + rand.normal(d_sae, 1) * W_dec
    weights = {
        "W_enc": rand.normal(d_in, d_sae),
        "b_enc": rand.normal(d_sae),
        "W_dec": W_dec,
        "b_dec": rand.normal(d_in),
    }
    sae = kit.autoencoder(**{name: value.clone() for name, value in weights.items()})
    kit.set_gradients(sae, W_dec=gradient)
    return sae, weights, gradient


def by_hand(W_dec, gradient):
    rows = []
    for w, g in zip(W_dec.double().tolist(), gradient.double().tolist(), strict=True):
        along = sum(a * b for a, b in zip(w, g, strict=True)) / sum(a * a for a in w)
        rows.append([b - along * a for a, b in zip(w, g, strict=True)])
    return torch.tensor(rows)


def test_worked_by_hand(submission, kit):
    """The example by hand: of (1, 2) along (0, 3), (1, 0) is left; of (2, 2) along (1, 1), nothing."""
    sae = kit.autoencoder(
        torch.ones(2, 3), torch.zeros(3), torch.tensor([[0.0, 3.0], [1.0, 1.0], [2.0, 0.0]]), torch.zeros(2)
    )
    kit.set_gradients(sae, W_dec=torch.tensor([[1.0, 2.0], [2.0, 2.0], [0.0, 5.0]]))
    submission.remove_parallel_gradient(sae)
    expected = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 5.0]])
    compare(kit.gradient(sae, "W_dec"), expected, what="W_dec.grad", axes="d_sae d_in")


@pytest.mark.parametrize("d_in, d_sae", [(4, 6), (6, 3), (5, 5)])
def test_the_rest_is_kept(submission, kit, rand, d_in, d_sae):
    """From each row's gradient, the part along that row is gone, and all else is as it was, whatever the row's length."""
    sae, weights, gradient = make(kit, rand, d_in, d_sae)
    submission.remove_parallel_gradient(sae)
    compare(kit.gradient(sae, "W_dec"), by_hand(weights["W_dec"], gradient), what="W_dec.grad", axes="d_sae d_in")


def test_orthogonal(submission, kit, rand):
    """What is left is orthogonal to each row."""
    sae, weights, _ = make(kit, rand)
    submission.remove_parallel_gradient(sae)
    left = kit.gradient(sae, "W_dec")
    compare(left.shape == (6, 4), True, what="whether W_dec.grad has W_dec's shape")
    compare(
        (left * weights["W_dec"]).sum(dim=-1),
        torch.zeros(6),
        what="the dot product of each row and its gradient",
        axes="d_sae",
    )


def test_the_weights_stay(submission, kit, rand):
    """No weight changes, and W_dec stays the same parameter."""
    sae, weights, _ = make(kit, rand)
    submission.remove_parallel_gradient(sae)
    for name, value in kit.weights_of(sae).items():
        compare(value, weights[name], what=name)
    compare(kit.has_its_decoder(sae), True, what="whether sae.W_dec is still the parameter that the optimizer knows")


def test_other_gradients_stay(submission, kit, rand):
    """The gradients of the encoder and of the biases are left alone."""
    sae, _, _ = make(kit, rand)
    others = {"W_enc": rand.normal(4, 6), "b_enc": rand.normal(6), "b_dec": rand.normal(4)}
    kit.set_gradients(sae, **others)
    submission.remove_parallel_gradient(sae)
    for name, value in others.items():
        compare(kit.gradient(sae, name), value, what=f"{name}.grad")


def test_without_a_gradient(submission, kit, rand):
    """Where the decoder has no gradient (None), nothing happens."""
    weights = rand.normal(4, 6), rand.normal(6), rand.normal(6, 4), rand.normal(4)
    sae = kit.autoencoder(*weights)
    submission.remove_parallel_gradient(sae)
    compare(kit.gradient(sae, "W_dec"), None, what="W_dec.grad")


def along(sae, W=None):
    """The part of the gradient along each row."""
    unit = torch.nn.functional.normalize(sae.W_dec if W is None else W, dim=-1)
    return (sae.W_dec.grad * unit).sum(dim=-1, keepdim=True) * unit


def guarded(function):
    """With the early return for None, which most mistakes get right."""

    def mistaken(sae):
        if sae.W_dec.grad is not None:
            with torch.no_grad():
                function(sae)

    return mistaken


@mistake("You take for granted that rows have length 1: divide the dot product by the row's squared length.")
@guarded
def rows_taken_for_unit(sae):
    sae.W_dec.grad -= (sae.W_dec.grad * sae.W_dec).sum(dim=-1, keepdim=True) * sae.W_dec


@mistake(
    "You divide by the row's length once: the row stands twice in the projection, so divide by the squared length."
)
@guarded
def divided_once(sae):
    lengths = sae.W_dec.norm(dim=-1, keepdim=True)
    sae.W_dec.grad -= (sae.W_dec.grad * sae.W_dec).sum(dim=-1, keepdim=True) * sae.W_dec / lengths


@mistake("You project on columns (dim=0): a latent's direction is a row.")
@guarded
def columns(sae):
    unit = torch.nn.functional.normalize(sae.W_dec, dim=0)
    sae.W_dec.grad -= (sae.W_dec.grad * unit).sum(dim=0, keepdim=True) * unit


@mistake("You project the matrix as one long vector: each row has its own parallel part.")
@guarded
def the_whole_matrix(sae):
    unit = sae.W_dec / sae.W_dec.norm()
    sae.W_dec.grad -= (sae.W_dec.grad * unit).sum() * unit


@mistake("You keep the parallel part: it is the one to take away.")
@guarded
def parallel_part_kept(sae):
    sae.W_dec.grad = along(sae)


@mistake("You add the parallel part: subtract it.")
@guarded
def parallel_part_added(sae):
    sae.W_dec.grad += along(sae)


@mistake("Only gradients that would lengthen a row are freed of their parallel part: take it out in both directions.")
@guarded
def one_sign_only(sae):
    dots = (sae.W_dec.grad * sae.W_dec).sum(dim=-1, keepdim=True)
    sae.W_dec.grad -= along(sae) * (dots < 0)


@mistake("The part along the encoder's column is removed: it is the decoder's row that counts.")
@guarded
def along_the_encoder(sae):
    sae.W_dec.grad -= along(sae, sae.W_enc.T)


@mistake("You change W_dec instead of its gradient.")
@guarded
def changes_the_weights(sae):
    sae.W_dec -= along(sae)


@mistake("The rows are normalised too: here only the gradient changes.")
@guarded
def normalises_too(sae):
    sae.W_dec.grad -= along(sae)
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True)


@mistake("What is left is scaled to length 1: keep its length, which says how large a step to take.")
@guarded
def gradient_normalised(sae):
    sae.W_dec.grad -= along(sae)
    sae.W_dec.grad = torch.nn.functional.normalize(sae.W_dec.grad, dim=-1)


@mistake("The whole gradient is set to zero: only its part along each row goes.")
@guarded
def all_zero(sae):
    sae.W_dec.grad.zero_()


@mistake("The new gradient is computed and thrown away: write it into sae.W_dec.grad.")
@guarded
def thrown_away(sae):
    return sae.W_dec.grad - along(sae)


@mistake("Where there is no gradient, you make one of zeros: leave None alone.")
@torch.no_grad()
def makes_zeros(sae):
    if sae.W_dec.grad is None:
        sae.W_dec.grad = torch.zeros_like(sae.W_dec)
    sae.W_dec.grad -= along(sae)


@mistake("W_dec.grad is None where nothing has been computed yet, or the decoder is frozen: return early then.")
@torch.no_grad()
def none_is_not_expected(sae):
    unit = torch.nn.functional.normalize(sae.W_dec, dim=-1)
    sae.W_dec.grad -= (sae.W_dec.grad * unit).sum(dim=-1, keepdim=True) * unit
