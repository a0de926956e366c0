"""Grades `normalise_decoder` on autoencoders of the kit; lengths and directions are worked out by hand."""

import pytest
import torch

from dojo.grading import compare, mistake


def make(kit, rand, d_in=4, d_sae=6, lengths=None):
    """An autoencoder whose decoder rows are from a thousandth to fifty long."""
    lengths = torch.tensor([0.001, 0.2, 0.9, 1.1, 7.0, 50.0])[:d_sae] if lengths is None else lengths
    direction = rand.normal(d_sae, d_in)
    W_dec = direction / direction.pow(2).sum(dim=-1, keepdim=True).sqrt() * lengths[:, None]
    weights = {
        "W_enc": rand.normal(d_in, d_sae),
        "b_enc": rand.normal(d_sae),
        "W_dec": W_dec,
        "b_dec": rand.normal(d_in),
    }
    return kit.autoencoder(**{name: value.clone() for name, value in weights.items()}), weights


def by_hand(W_dec):
    return torch.tensor([[w / sum(v * v for v in row) ** 0.5 for w in row] for row in W_dec.double().tolist()])


def test_worked_by_hand(submission, kit):
    """The example by hand: (3, 4) becomes (0.6, 0.8); (0, -0.5) becomes (0, -1)."""
    W_dec = torch.tensor([[3.0, 4.0], [0.0, -0.5], [1.0, 0.0]])
    sae = kit.autoencoder(torch.ones(2, 3), torch.zeros(3), W_dec, torch.zeros(2))
    submission.normalise_decoder(sae)
    compare(
        kit.weights_of(sae)["W_dec"],
        torch.tensor([[0.6, 0.8], [0.0, -1.0], [1.0, 0.0]]),
        what="W_dec",
        axes="d_sae d_in",
    )


@pytest.mark.parametrize("d_in, d_sae", [(4, 6), (6, 3), (5, 5)])
def test_rows_get_length_1(submission, kit, rand, d_in, d_sae):
    """Every row has length 1 and the direction that it had, whether it was short or long."""
    sae, weights = make(kit, rand, d_in, d_sae)
    submission.normalise_decoder(sae)
    compare(kit.weights_of(sae)["W_dec"], by_hand(weights["W_dec"]), what="W_dec", axes="d_sae d_in")


def test_nothing_else_changes(submission, kit, rand):
    """W_enc, b_enc and b_dec stay as they are."""
    sae, weights = make(kit, rand)
    submission.normalise_decoder(sae)
    after = kit.weights_of(sae)
    for name in ("W_enc", "b_enc", "b_dec"):
        compare(after[name], weights[name], what=name)


def test_the_same_parameter(submission, kit, rand):
    """W_dec stays the same parameter: the optimizer still moves it."""
    sae, _ = make(kit, rand)
    submission.normalise_decoder(sae)
    compare(kit.has_its_decoder(sae), True, what="whether sae.W_dec is still the parameter that the optimizer knows")
    compare(kit.is_trained(sae), True, what="whether sae.W_dec still takes gradients")


def test_twice(submission, kit, rand):
    """A decoder that has unit rows already stays as it is."""
    sae, weights = make(kit, rand, lengths=torch.ones(6))
    submission.normalise_decoder(sae)
    submission.normalise_decoder(sae)
    compare(kit.weights_of(sae)["W_dec"], weights["W_dec"], what="W_dec", axes="d_sae d_in")


@mistake("Columns are normalised (dim=0): a latent's direction is a row of W_dec, so take the norm over dim=-1.")
@torch.no_grad()
def columns(sae):
    sae.W_dec /= sae.W_dec.norm(dim=0, keepdim=True)


@mistake("The whole matrix is divided by one number: each row has a length of its own (dim=-1).")
@torch.no_grad()
def the_whole_matrix(sae):
    sae.W_dec /= sae.W_dec.norm()


@mistake("Rows are divided by their squared length: take the root.")
@torch.no_grad()
def squared_length(sae):
    sae.W_dec /= sae.W_dec.pow(2).sum(dim=-1, keepdim=True)


@mistake("Rows are divided by the sum of their absolute values: length means the root of the sum of squares.")
@torch.no_grad()
def sum_of_absolutes(sae):
    sae.W_dec /= sae.W_dec.abs().sum(dim=-1, keepdim=True)


@mistake("Rows are divided by their largest entry: divide by their length.")
@torch.no_grad()
def largest_entry(sae):
    sae.W_dec /= sae.W_dec.abs().max(dim=-1, keepdim=True).values


@mistake("Only rows that are too long are shortened: short ones must grow to length 1 as well.")
@torch.no_grad()
def only_long_ones(sae):
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True).clamp(min=1)


@mistake("A small number is added to the length, which keeps short rows short: divide by the length itself.")
@torch.no_grad()
def large_eps(sae):
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True) + 1e-3


@mistake("You make a new parameter. The optimizer goes on training the old one: change W_dec in place.")
def a_new_parameter(sae):
    W_dec = sae.W_dec.detach()
    sae.W_dec = torch.nn.Parameter(W_dec / W_dec.norm(dim=-1, keepdim=True))


@mistake("The normalised decoder is made and thrown away: write it into sae.W_dec, in place.")
@torch.no_grad()
def thrown_away(sae):
    return sae.W_dec / sae.W_dec.norm(dim=-1, keepdim=True)


@mistake("A parameter cannot be changed in place while gradients are recorded: do it under torch.no_grad().")
def gradients_are_recorded(sae):
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True)


@mistake("The encoder is changed too: only W_dec is normalised.")
@torch.no_grad()
def the_encoder_too(sae):
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True)
    sae.W_enc /= sae.W_enc.norm(dim=0, keepdim=True)


@mistake("The encoder is set to the decoder transposed: only W_dec is normalised.")
@torch.no_grad()
def ties_the_encoder(sae):
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True)
    sae.W_enc.copy_(sae.W_dec.T)


@mistake("The encoder is scaled up by what the decoder loses: only W_dec is changed here.")
@torch.no_grad()
def makes_up_for_it(sae):
    lengths = sae.W_dec.norm(dim=-1)
    sae.W_dec /= lengths[:, None]
    sae.W_enc *= lengths


@mistake("W_dec no longer takes gradients afterwards (requires_grad is off): it is to be trained on.")
def no_longer_trained(sae):
    sae.W_dec.requires_grad_(False)
    sae.W_dec /= sae.W_dec.norm(dim=-1, keepdim=True)
