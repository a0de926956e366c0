"""Grades `SparseAutoencoder`: numbers worked by hand, slow loops over single latents, and gradients from the formulas.

The learner's class is filled with weights of ours: an encoder that is not the decoder transposed, biases that are not 0.
"""

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake

D_IN, D_SAE = 5, 7


def draw_weights(rand, d_in=D_IN, d_sae=D_SAE):
    return {
        "W_enc": rand.normal(d_in, d_sae),
        "b_enc": 0.7 * rand.normal(d_sae),
        "W_dec": 1.3 * rand.normal(d_sae, d_in),
        "b_dec": 0.8 * rand.normal(d_in),
    }


def made(submission, load_weights, weights, activation=None):
    d_in, d_sae = weights["W_enc"].shape
    sae = submission.SparseAutoencoder(d_in, d_sae, activation)
    load_weights(sae, weights)
    return sae


def pre_by_hand(x, w):
    """One latent of one vector after another."""
    rows = x.reshape(-1, x.shape[-1]).double()
    centred = rows - w["b_dec"].double()
    latents = [centred @ w["W_enc"][:, i].double() + float(w["b_enc"][i]) for i in range(w["W_enc"].shape[1])]
    return torch.stack(latents, dim=1).float().reshape(*x.shape[:-1], -1)


def decoded_by_hand(f, w):
    """b_dec, and then one latent's direction after another."""
    rows = f.reshape(-1, f.shape[-1]).double()
    out = w["b_dec"].double().expand(len(rows), -1)
    for i in range(f.shape[-1]):
        out = out + rows[:, i, None] * w["W_dec"][i].double()
    return out.float().reshape(*f.shape[:-1], -1)


def test_worked_by_hand(submission, load_weights):
    """The example by hand: x = (3, 1) is read as f = (2.5, 0, 0) and written back as (3.5, 1)."""
    weights = {
        "W_enc": torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]),
        "b_enc": torch.tensor([0.5, -1.0, -2.0]),
        "W_dec": torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]),
        "b_dec": torch.tensor([1.0, 1.0]),
    }
    sae = made(submission, load_weights, weights)
    x = torch.tensor([[3.0, 1.0]])
    compare(sae.pre_activations(x), torch.tensor([[2.5, -1.0, 0.0]]), what="pre_activations(x)", axes="batch d_sae")
    compare(sae.encode(x), torch.tensor([[2.5, 0.0, 0.0]]), what="encode(x)", axes="batch d_sae")
    compare(
        sae.decode(torch.tensor([[2.0, 1.0, 3.0]])), torch.tensor([[0.0, 2.0]]), what="decode(f)", axes="batch d_in"
    )
    compare(sae(x), torch.tensor([[3.5, 1.0]]), what="the reconstruction", axes="batch d_in")


def test_a_new_one(submission, rand):
    """A new autoencoder has unit decoder rows, an encoder that is their transpose, and biases of 0."""
    sae = submission.SparseAutoencoder(4, 9)
    own = sae.state_dict()
    compare({n: tuple(own[n].shape) for n in ("W_enc", "b_enc", "W_dec", "b_dec") if n in own},
            {"W_enc": (4, 9), "b_enc": (9,), "W_dec": (9, 4), "b_dec": (4,)}, what="the dict of parameters' shapes")  # fmt: skip
    compare(own["W_dec"].pow(2).sum(dim=-1), torch.ones(9), what="the squared lengths of decoder rows", axes="d_sae")
    compare(own["W_enc"], own["W_dec"].T, what="W_enc at the start", axes="d_in d_sae")
    compare(own["b_enc"], torch.zeros(9), what="b_enc at the start", axes="d_sae")
    compare(own["b_dec"], torch.zeros(4), what="b_dec at the start", axes="d_in")


@pytest.mark.parametrize("lead", [(3,), (2, 4), ()])
def test_pre_activations(submission, load_weights, rand, lead):
    """Pre-activations are (x - b_dec) W_enc + b_enc, for one vector, a batch, or [batch, pos, d_in]."""
    weights, x = draw_weights(rand), rand.normal(*lead, D_IN)
    sae = made(submission, load_weights, weights)
    compare(sae.pre_activations(x), pre_by_hand(x, weights), what="pre_activations(x)")


@pytest.mark.parametrize("lead", [(3,), (2, 4), ()])
def test_encode(submission, load_weights, rand, lead):
    """f is the ReLU of the pre-activations."""
    weights, x = draw_weights(rand), rand.normal(*lead, D_IN)
    sae = made(submission, load_weights, weights)
    compare(sae.encode(x), pre_by_hand(x, weights).clamp(min=0), what="encode(x)")


@pytest.mark.parametrize("lead", [(3,), (2, 4), ()])
def test_decode(submission, load_weights, rand, lead):
    """x_hat is f W_dec + b_dec."""
    weights, f = draw_weights(rand), rand.uniform(*lead, D_SAE)
    sae = made(submission, load_weights, weights)
    compare(sae.decode(f), decoded_by_hand(f, weights), what="decode(f)")


@pytest.mark.parametrize("lead", [(3,), (2, 4), ()])
def test_forward(submission, load_weights, rand, lead):
    """The autoencoder's output is its reconstruction, decode(encode(x)), alone."""
    weights, x = draw_weights(rand), rand.normal(*lead, D_IN)
    sae = made(submission, load_weights, weights)
    compare(sae(x), decoded_by_hand(pre_by_hand(x, weights).clamp(min=0), weights), what="the reconstruction")


def test_another_activation(submission, kit, load_weights, rand):
    """An activation function that is passed in is used, once, in place of ReLU."""
    weights, x = draw_weights(rand), rand.normal(4, D_IN)
    sae = made(submission, load_weights, weights, kit.Bent())
    f = 1.5 * (pre_by_hand(x, weights) + 0.4).clamp(min=0)
    compare(sae.pre_activations(x), pre_by_hand(x, weights), what="pre_activations(x)", axes="batch d_sae")
    compare(sae.encode(x), f, what="encode(x) with another activation", axes="batch d_sae")
    compare(sae(x), decoded_by_hand(f, weights), what="the reconstruction with another activation", axes="batch d_in")


def test_gradients(submission, kit, load_weights, rand):
    """Gradients reach x and all four parameters; b_dec gets its share from both places where it stands."""
    weights, x, probe = draw_weights(rand), rand.normal(6, D_IN), rand.normal(6, D_IN)
    found = kit.gradients_of(made(submission, load_weights, weights), x, probe)
    pre = pre_by_hand(x, weights)
    back = (probe @ weights["W_dec"].T) * (pre > 0)
    expected = {
        "W_enc": (x - weights["b_dec"]).T @ back,
        "b_enc": back.sum(dim=0),
        "W_dec": pre.clamp(min=0).T @ probe,
        "b_dec": probe.sum(dim=0) - (back @ weights["W_enc"].T).sum(dim=0),
        "x": back @ weights["W_enc"].T,
    }
    for name, gradient in expected.items():
        compare(found.get(name), gradient, what=f"the gradient with respect to {name}")


def test_it_trains_from_the_start(submission, kit, rand):
    """In a new autoencoder too, gradients reach all four parameters, and encoder and decoder are parameters of their own."""
    sae = submission.SparseAutoencoder(D_IN, D_SAE)
    x, probe = rand.normal(6, D_IN), rand.normal(6, D_IN)
    w = {name: value.detach() for name, value in sae.state_dict().items()}
    found = kit.gradients_of(sae, x, probe)
    back = (probe @ w["W_dec"].T) * (x @ w["W_enc"] > 0)
    compare(found.get("W_enc"), x.T @ back, what="the gradient with respect to W_enc")
    compare(found.get("W_dec"), (x @ w["W_enc"]).clamp(min=0).T @ probe, what="the gradient with respect to W_dec")


class Variant(ref.SparseAutoencoder):
    """The reference, of which each mistake below replaces a method."""


@mistake("b_dec is not subtracted before the encoder reads x: (x - b_dec) W_enc + b_enc.")
class b_dec_not_subtracted(Variant):
    def pre_activations(self, x):
        return x @ self.W_enc + self.b_enc


@mistake("You add b_dec before encoding: subtract it there, and add it when you decode.")
class b_dec_added_twice(Variant):
    def pre_activations(self, x):
        return (x + self.b_dec) @ self.W_enc + self.b_enc


@mistake("b_enc is missing from the pre-activations.")
class no_b_enc(Variant):
    def pre_activations(self, x):
        return (x - self.b_dec) @ self.W_enc


@mistake("b_enc is subtracted: it is added, after the product with W_enc.")
class b_enc_subtracted(Variant):
    def pre_activations(self, x):
        return (x - self.b_dec) @ self.W_enc - self.b_enc


@mistake("b_dec is not added when you decode.")
class no_b_dec(Variant):
    def decode(self, f):
        return f @ self.W_dec


@mistake("b_dec is left out on both sides: subtracted before encoding, added after decoding.")
class no_b_dec_at_all(Variant):
    def pre_activations(self, x):
        return x @ self.W_enc + self.b_enc

    def decode(self, f):
        return f @ self.W_dec


@mistake("You subtract b_dec when you decode: it was subtracted before encoding, so here it is added back.")
class b_dec_subtracted_twice(Variant):
    def decode(self, f):
        return f @ self.W_dec - self.b_dec


@mistake("You encode with the decoder transposed. They only start equal: W_enc is a parameter of its own.")
class tied_encoder(Variant):
    def pre_activations(self, x):
        return (x - self.b_dec) @ self.W_dec.T + self.b_enc


@mistake("You decode with the encoder transposed. They only start equal: W_dec is a parameter of its own.")
class tied_decoder(Variant):
    def decode(self, f):
        return f @ self.W_enc.T + self.b_dec


@mistake("ReLU is fixed in encode: use self.activation, which may be another.")
class always_relu(Variant):
    def encode(self, x):
        return self.pre_activations(x).relu()


@mistake("encode gives the pre-activations: pass them through self.activation.")
class no_activation(Variant):
    def encode(self, x):
        return self.pre_activations(x)


@mistake("The activation function is used twice (ReLU does not show it, others do).")
class activated_twice(Variant):
    def encode(self, x):
        return self.activation(self.activation(self.pre_activations(x)))


@mistake("pre_activations gives f: it should stop before the activation function.")
class pre_activations_are_activated(Variant):
    def pre_activations(self, x):
        return self.activation(super().pre_activations(x))

    def encode(self, x):
        return self.pre_activations(x)


@mistake("The reconstruction goes through ReLU: what is written may be negative, only f may not.")
class relu_on_the_output(Variant):
    def decode(self, f):
        return super().decode(f).relu()


@mistake(
    "You decode with rows of length 1: use W_dec as it is. Keeping its rows at length 1 is the training's business."
)
class decodes_with_unit_rows(Variant):
    def decode(self, f):
        return f @ (self.W_dec / self.W_dec.norm(dim=-1, keepdim=True)) + self.b_dec


@mistake("The activation function is applied to f again when you decode.")
class activated_in_decode(Variant):
    def decode(self, f):
        return self.activation(f) @ self.W_dec + self.b_dec


@mistake("forward returns f: it should return the reconstruction, decode(encode(x)).")
class forward_gives_f(Variant):
    def forward(self, x):
        return self.encode(x)


@mistake("forward returns f as well: the reconstruction alone is asked; whoever wants f calls encode.")
class forward_gives_both(Variant):
    def forward(self, x):
        f = self.encode(x)
        return self.decode(f), f


@mistake("You subtract b_dec from x in place (-=): the caller's x is changed.")
class changes_x(Variant):
    def pre_activations(self, x):
        x -= self.b_dec.detach()
        return x @ self.W_enc + self.b_enc


@mistake("Encoding runs without gradient (no_grad or detach): W_enc and b_enc could never be trained.")
class encodes_without_gradient(Variant):
    def encode(self, x):
        return super().encode(x).detach()


@mistake("No gradient reaches b_dec where it is subtracted: do not detach it.")
class b_dec_detached(Variant):
    def pre_activations(self, x):
        return (x - self.b_dec.detach()) @ self.W_enc + self.b_enc
