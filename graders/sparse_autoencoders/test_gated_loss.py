"""Grades `gated_loss`. Oracle: the three terms written out in double precision, differentiated by finite differences.

In the oracle the frozen copy of the decoder is a second pair of arguments, which the differences do not touch.
"""

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake

NAMES = ("W_enc", "b_gate", "r_mag", "b_mag", "W_dec", "b_dec")


def draw(rand, d_in=3, d_sae=5, n=7):
    """An autoencoder in which gate and magnitude disagree now and then, and no decoder row has length 1."""
    weights = {
        "W_enc": rand.normal(d_in, d_sae),
        "b_gate": 0.5 * rand.normal(d_sae),
        "r_mag": 0.4 * rand.normal(d_sae),
        "b_mag": 0.5 * rand.normal(d_sae),
        "W_dec": rand.normal(d_sae, d_in),
        "b_dec": 0.6 * rand.normal(d_in),
    }
    x = 1.3 * rand.normal(64, d_in)
    pi = (x - weights["b_dec"]) @ weights["W_enc"] + weights["b_gate"]
    magnitude = (x - weights["b_dec"]) @ weights["W_enc"] * weights["r_mag"].exp() + weights["b_mag"]
    clear = torch.minimum(pi.abs(), magnitude.abs()).min(dim=-1).values.argsort(descending=True)  # far from any kink
    return weights, x[clear[:n]]


def by_hand(w, x, coefficient, frozen):
    """The loss in plain double-precision arithmetic; `frozen` holds the decoder of the auxiliary term."""
    total = 0.0
    for row in x:
        centred = row - w["b_dec"]
        pi = centred @ w["W_enc"] + w["b_gate"]
        magnitude = centred @ (w["W_enc"] * torch.exp(w["r_mag"])) + w["b_mag"]
        f = torch.where((pi > 0) & (magnitude > 0), magnitude, 0.0)
        opened = torch.where(pi > 0, pi, 0.0)
        total += ((row - f @ w["W_dec"] - w["b_dec"]) ** 2).sum()
        total += coefficient * opened.sum()
        total += ((row - opened @ frozen["W_dec"] - frozen["b_dec"]) ** 2).sum()
    return total / len(x)


def double(weights, x):
    return {name: value.double() for name, value in weights.items()}, x.double()


def slope(weights, x, coefficient, name):
    """The derivative by one parameter: central differences, with the frozen decoder left where it is."""
    weights, x = double(weights, x)
    out = torch.zeros_like(weights[name])
    for i in range(out.numel()):
        ends = []
        for step in (1e-4, -1e-4):
            moved = weights | {name: weights[name].clone()}
            moved[name].view(-1)[i] += step
            ends.append(by_hand(moved, x, coefficient, weights))
        out.view(-1)[i] = (ends[0] - ends[1]) / 2e-4
    return out.float()


def check_value(submission, kit, weights, x, coefficient, what="the loss"):
    w, rows = double(weights, x)
    out = submission.gated_loss(kit.Gated(weights), x, coefficient)
    compare(out, by_hand(w, rows, coefficient, w).float(), what=what)


def test_a_case_by_hand(submission, kit):
    """x = (1, 2): pi is (1.5, 0.5), the magnitudes (2, 0); errors 0.8 and 0.6625, price 0.1 * 2: the loss is 1.6625."""
    weights = {
        "W_enc": torch.tensor([[1.0, 0.0], [0.0, 0.5]]),
        "b_gate": torch.tensor([0.5, -0.5]),
        "r_mag": torch.tensor([0.0, 0.0]),
        "b_mag": torch.tensor([1.0, -1.0]),
        "W_dec": torch.tensor([[0.3, 0.6], [0.0, 1.0]]),
        "b_dec": torch.tensor([0.0, 0.0]),
    }
    # x_hat = (0.6, 1.2), x_gate = (0.45, 0.9 + 0.5)
    expected = 0.4**2 + 0.8**2 + 0.1 * 2.0 + 0.55**2 + 0.6**2
    out = submission.gated_loss(kit.Gated(weights), torch.tensor([[1.0, 2.0]]), 0.1)
    compare(out, torch.tensor(expected), what="the loss")


@pytest.mark.parametrize("coefficient", [0.0, 0.4, 3.0])
def test_the_value(submission, kit, rand, coefficient):
    """The loss is reconstruction, plus the price of the gates, plus the gate's own reconstruction."""
    weights, x = draw(rand)
    check_value(submission, kit, weights, x, coefficient)


def test_the_price_grows_with_the_coefficient(submission, kit, rand):
    """Between coefficients 1 and 3 the loss grows by twice the mean of sum_i ReLU(pi_i)."""
    weights, x = draw(rand)
    pi = (x - weights["b_dec"]) @ weights["W_enc"] + weights["b_gate"]
    low, high = (submission.gated_loss(kit.Gated(weights), x, c) for c in (1.0, 3.0))
    compare(torch.as_tensor(high) - torch.as_tensor(low), 2 * pi.relu().sum(-1).mean(), what="the difference")


def test_one_input(submission, kit, rand):
    """A batch of one input has that input's loss; two copies of it have the same."""
    weights, x = draw(rand, d_in=4, d_sae=3, n=1)
    check_value(submission, kit, weights, x, 0.4, what="the loss of one input")
    check_value(submission, kit, weights, x.repeat(5, 1), 0.4, what="the loss of five copies of an input")


def test_all_gates_shut(submission, kit, rand):
    """Where no gate is open, both reconstructions are b_dec, and there is nothing to pay."""
    weights, x = draw(rand)
    weights["b_gate"] = torch.full((5,), -100.0)
    check_value(submission, kit, weights, x, 2.0)


@pytest.mark.parametrize("name", ["W_dec", "b_dec", "W_enc", "b_gate", "r_mag", "b_mag"])
def test_gradients(submission, kit, rand, name):
    """Each parameter is pulled by the terms that should pull it: the frozen decoder by none."""
    weights, x = draw(rand)
    found = kit.gated_gradients(submission.gated_loss, kit.Gated(weights), x, 0.7)[name]
    found = torch.zeros_like(weights[name]) if found is None else found
    compare(found, slope(weights, x, 0.7, name), what=f"the gradient by {name}", atol=2e-3, rtol=5e-3)


def test_the_gate_is_trained_without_a_price(submission, kit, rand):
    """Without a price, the auxiliary term alone moves b_gate; the decoder is moved by reconstruction alone."""
    weights, x = draw(rand)
    found = kit.gated_gradients(submission.gated_loss, kit.Gated(weights), x, 0.0)
    for name in ("b_gate", "W_dec", "b_dec"):
        gradient = torch.zeros_like(weights[name]) if found[name] is None else found[name]
        compare(gradient, slope(weights, x, 0.0, name), what=f"the gradient by {name}", atol=2e-3, rtol=5e-3)


def test_the_decoder_stays_trainable(submission, kit, rand):
    """The autoencoder comes back as it was: same weights, all trainable, so that training can go on."""
    weights, x = draw(rand)
    sae = kit.Gated(weights)
    submission.gated_loss(sae, x, 0.3)
    assert sorted(kit.trainable(sae)) == sorted(NAMES), (
        "Some parameters of the autoencoder are frozen for good afterwards: freeze a copy (.detach()), not sae itself."
    )
    for name in NAMES:
        compare(getattr(sae, name), weights[name], what=f"sae.{name} afterwards")


def test_on_the_chapters_own_class(submission, rand):
    """It works on a fresh `GatedAutoencoder` too."""
    sae, x = submission.GatedAutoencoder(4, 6), rand.normal(5, 4)
    weights = {name: value.detach().clone() for name, value in sae.state_dict().items()}
    w, rows = double(weights, x)
    expected = by_hand(w, rows, 0.3, w).float()
    compare(submission.gated_loss(sae, x, 0.3), expected, what="the loss of a fresh GatedAutoencoder")


# The mistakes: the three terms, with one thing changed.


def terms(sae, x, coefficient, W_dec=None, b_dec=None):
    opened = sae.gate(x).relu()
    W_dec = sae.W_dec.detach() if W_dec is None else W_dec
    b_dec = sae.b_dec.detach() if b_dec is None else b_dec
    aux = (x - (opened @ W_dec + b_dec)).pow(2).sum(dim=-1).mean()
    return (x - sae(x)).pow(2).sum(dim=-1).mean(), coefficient * opened.sum(dim=-1).mean(), aux


@mistake("The auxiliary term trains the decoder too: decode with a frozen copy, W_dec.detach() and b_dec.detach().")
def decoder_not_frozen(sae, x, coefficient):
    return sum(terms(sae, x, coefficient, sae.W_dec, sae.b_dec))


@mistake("The auxiliary term's W_dec is frozen, its b_dec is not: both belong to the decoder.")
def bias_not_frozen(sae, x, coefficient):
    return sum(terms(sae, x, coefficient, None, sae.b_dec))


@mistake("The auxiliary term's b_dec is frozen, its W_dec is not: both belong to the decoder.")
def matrix_not_frozen(sae, x, coefficient):
    return sum(terms(sae, x, coefficient, sae.W_dec, None))


@mistake("Nothing trains the gate: you detach the whole auxiliary reconstruction. Freeze the decoder's weights alone.")
def auxiliary_detached(sae, x, coefficient):
    error, price, aux = terms(sae, x, coefficient)
    return error + price + aux.detach()


@mistake("The b_dec that is subtracted inside pi is frozen too: only the decoding of the auxiliary term is.")
def bias_inside_the_gate_frozen(sae, x, coefficient):
    opened = ((x - sae.b_dec.detach()) @ sae.W_enc + sae.b_gate).relu()
    aux = (x - (opened @ sae.W_dec.detach() + sae.b_dec.detach())).pow(2).sum(dim=-1).mean()
    return (x - sae(x)).pow(2).sum(dim=-1).mean() + coefficient * sae.gate(x).relu().sum(dim=-1).mean() + aux


@mistake("You freeze the decoder in the reconstruction term as well: nothing trains it any more.")
def decoder_frozen_everywhere(sae, x, coefficient):
    x_hat = sae.encode(x) @ sae.W_dec.detach() + sae.b_dec.detach()
    return (x - x_hat).pow(2).sum(dim=-1).mean() + sum(terms(sae, x, coefficient)[1:])


@mistake("You freeze the autoencoder's own decoder (requires_grad_(False)) and leave it so: use a detached copy.")
def frozen_for_good(sae, x, coefficient):
    loss = ref.gated_loss(sae, x, coefficient)
    sae.W_dec.requires_grad_(False)
    return loss


@mistake("The auxiliary term is missing: the gate's step has no gradient, so only the price trains the gate, to shut.")
def no_auxiliary_term(sae, x, coefficient):
    return sum(terms(sae, x, coefficient)[:2])


@mistake("The sparsity term is in the value, and has no gradient: do not detach it, it is what closes the gates.")
def price_detached(sae, x, coefficient):
    error, price, aux = terms(sae, x, coefficient)
    return error + price.detach() + aux


@mistake("The sparsity term is missing.")
def no_price(sae, x, coefficient):
    error, _, aux = terms(sae, x, coefficient)
    return error + aux


@mistake("The reconstruction term is missing: x_gate is not what the autoencoder gives out.")
def no_reconstruction(sae, x, coefficient):
    return sum(terms(sae, x, coefficient)[1:])


@mistake("You price the activations f, which shrinks them: the price is on the gate, ReLU(pi).")
def price_on_magnitudes(sae, x, coefficient):
    error, _, aux = terms(sae, x, coefficient)
    return error + coefficient * sae.encode(x).sum(dim=-1).mean() + aux


@mistake("You price pi without its ReLU: shut gates then earn money by shutting further.")
def price_without_relu(sae, x, coefficient):
    error, _, aux = terms(sae, x, coefficient)
    return error + coefficient * sae.gate(x).sum(dim=-1).mean() + aux


@mistake("You price |pi|: a gate that is shut costs nothing.")
def price_on_the_size(sae, x, coefficient):
    error, _, aux = terms(sae, x, coefficient)
    return error + coefficient * sae.gate(x).abs().sum(dim=-1).mean() + aux


@mistake("You count open gates: a count has no gradient. The price is the sum of ReLU(pi).")
def price_on_the_count(sae, x, coefficient):
    error, _, aux = terms(sae, x, coefficient)
    return error + coefficient * (sae.gate(x) > 0).float().sum(dim=-1).mean() + aux


@mistake("You weigh the price by the decoder rows' lengths, as l1_loss does: here it is the sum of ReLU(pi) alone.")
def price_weighted_by_rows(sae, x, coefficient):
    error, _, aux = terms(sae, x, coefficient)
    return error + coefficient * (sae.gate(x).relu() @ sae.W_dec.norm(dim=-1)).mean() + aux


@mistake("The auxiliary term decodes pi without its ReLU.")
def auxiliary_without_relu(sae, x, coefficient):
    error, price, _ = terms(sae, x, coefficient)
    by_gate = sae.gate(x) @ sae.W_dec.detach() + sae.b_dec.detach()
    return error + price + (x - by_gate).pow(2).sum(dim=-1).mean()


@mistake("The auxiliary term decodes f: it has to decode ReLU(pi), since f gives the gate no gradient.")
def auxiliary_of_f(sae, x, coefficient):
    error, price, _ = terms(sae, x, coefficient)
    by_gate = sae.encode(x) @ sae.W_dec.detach() + sae.b_dec.detach()
    return error + price + (x - by_gate).pow(2).sum(dim=-1).mean()


@mistake("The auxiliary term compares x_gate with x_hat: its target is x.")
def auxiliary_against_x_hat(sae, x, coefficient):
    error, price, _ = terms(sae, x, coefficient)
    by_gate = sae.gate(x).relu() @ sae.W_dec.detach() + sae.b_dec.detach()
    return error + price + (sae(x) - by_gate).pow(2).sum(dim=-1).mean()


@mistake("b_dec is missing in the auxiliary term: decoding adds it.")
def auxiliary_without_bias(sae, x, coefficient):
    return sum(terms(sae, x, coefficient, None, torch.zeros_like(sae.b_dec)))


@mistake("The auxiliary term is multiplied by the coefficient too: it stands in the sum as it is.")
def auxiliary_priced(sae, x, coefficient):
    error, price, aux = terms(sae, x, coefficient)
    return error + price + coefficient * aux


@mistake("You average over d_in and over latents: sum over the last axis, average over the batch.")
def means_everywhere(sae, x, coefficient):
    error, price, aux = terms(sae, x, coefficient)
    return (error + aux) / x.shape[-1] + price / sae.W_dec.shape[0]


@mistake("You average the errors over d_in: sum over the last axis, average over the batch.")
def errors_averaged(sae, x, coefficient):
    error, price, aux = terms(sae, x, coefficient)
    return (error + aux) / x.shape[-1] + price


@mistake("You sum over the batch: average over it.")
def summed_over_the_batch(sae, x, coefficient):
    return len(x) * sum(terms(sae, x, coefficient))


@mistake("The number is right, but no gradient flows from it: leave out .item(), detach and no_grad.")
def no_gradient(sae, x, coefficient):
    return ref.gated_loss(sae, x, coefficient).detach()
