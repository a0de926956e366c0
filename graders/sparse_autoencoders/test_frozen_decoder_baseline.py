"""Grades `frozen_decoder_baseline`. Oracle: Adam written out, which starts from the decoder that the learner's code drew."""

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake
from graders.sparse_autoencoders import kit as ours

D_IN, D_SAE, BATCH, PRICE = 3, 5, 7, 0.1
TRAINED = ("W_enc", "b_enc", "b_dec", "activation.scale")


def baseline(submission, kit, rand, until, seed=5, sae=None, **options):
    """The parameters of the twin that the learner's code trains."""
    sae = kit.Reader(rand.seed, D_IN, D_SAE) if sae is None else sae
    batches, objective = kit.batches_of(rand.seed, BATCH, D_IN), kit.priced_error(PRICE)
    twin = submission.frozen_decoder_baseline(
        sae, batches, objective, until, generator=kit.generator_of(seed), **options
    )
    return kit.values(twin)


def adam_by_hand(rand, decoder, until, lr):
    """The twin's parameters after training, with this decoder."""
    sae, batches = ours.Reader(rand.seed, D_IN, D_SAE), ours.batches_of(rand.seed, BATCH, D_IN)
    now = ours.values(sae) | {"W_dec": decoder, "W_enc": decoder.T.clone()}
    mean, square = ({name: torch.zeros_like(now[name]) for name in TRAINED} for _ in range(2))
    for step in range(until):
        x, leaves = batches(step), {name: value.clone().requires_grad_() for name, value in now.items()}
        pre = (x - leaves["b_dec"]) @ leaves["W_enc"] + leaves["b_enc"]
        f = F.relu(pre) * leaves["activation.scale"]
        error = (x - f @ leaves["W_dec"] - leaves["b_dec"]).pow(2).sum() / BATCH
        (error + PRICE * f.sum() / BATCH).backward()
        for name in TRAINED:
            gradient = leaves[name].grad
            mean[name] = 0.9 * mean[name] + 0.1 * gradient
            square[name] = 0.999 * square[name] + 0.001 * gradient**2
            moved = mean[name] / (1 - 0.9 ** (step + 1))
            now[name] = now[name] - lr * moved / ((square[name] / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
    return now


def test_the_start(submission, kit, rand):
    """Before any step: decoder rows of length 1, the encoder is the decoder transposed, all else is as in `sae`."""
    start, own = baseline(submission, kit, rand, until=0), ours.values(ours.Reader(rand.seed, D_IN, D_SAE))
    compare(start["W_dec"].norm(dim=-1), torch.ones(D_SAE), what="the length of each row of W_dec", axes="latent")
    compare(start["W_enc"], start["W_dec"].T, what="W_enc", axes="d_in latent")
    for name in TRAINED[1:]:
        compare(start[name], own[name], what=name)


def test_the_decoder_is_new(submission, kit, rand):
    """The decoder's directions are not those of `sae`, nor of its encoder."""
    start, own = baseline(submission, kit, rand, until=0), ours.values(ours.Reader(rand.seed, D_IN, D_SAE))
    for name, theirs in (("decoder", own["W_dec"]), ("encoder", own["W_enc"].T)):
        nearest = F.cosine_similarity(start["W_dec"][:, None], theirs, dim=-1).abs().max(dim=1).values
        compare(bool((nearest < 0.9999).any()), True, what=f"whether a row is new, not from the {name} of `sae`")


def test_every_direction_is_as_likely(submission, kit, rand):
    """Directions drawn from a standard normal favour none: on the circle, no side and no diagonal."""
    sae = kit.Reader(rand.seed, 2, 3000, 0.05)
    twin = submission.frozen_decoder_baseline(
        sae, kit.batches_of(rand.seed, 2, 2), kit.priced_error(PRICE), 0, generator=kit.generator_of(rand.seed)
    )
    x, y = kit.values(twin)["W_dec"].double().T
    angle = torch.atan2(y, x)
    for n in (1, 2, 4):
        swings = torch.stack([(n * angle).cos().mean(), (n * angle).sin().mean()])
        compare(swings, torch.zeros(2).double(), what=f"the mean of cos and sin of {n} times the angle", atol=0.08)


def test_the_generator_draws(submission, kit, rand):
    """The same generator gives the same decoder, another one another; without one, each call draws anew."""
    first, again, other = (baseline(submission, kit, rand, until=0, seed=seed)["W_dec"] for seed in (5, 5, 6))
    compare(again, first, what="the decoder from a generator of the same seed", axes="latent d_in")
    compare(torch.equal(first, other), False, what="whether another seed gives the same decoder")
    sae, batches, objective = kit.Reader(rand.seed, D_IN, D_SAE), kit.batches_of(0, BATCH, D_IN), kit.priced_error(0.0)
    twins = [kit.values(submission.frozen_decoder_baseline(sae, batches, objective, 0))["W_dec"] for _ in range(2)]
    compare(torch.equal(*twins), False, what="whether two calls without a generator give the same decoder")


@pytest.mark.parametrize("until", [1, 6])
def test_the_decoder_stays(submission, kit, rand, until):
    """After training the decoder is exactly what was drawn."""
    start, end = (baseline(submission, kit, rand, steps, lr=0.05)["W_dec"] for steps in (0, until))
    compare(end, start, what="W_dec after training", axes="latent d_in", atol=1e-6, rtol=0)


@pytest.mark.parametrize("options, lr", [({"lr": 0.03}, 0.03), ({}, 1e-3)])
def test_all_the_rest_is_trained(submission, kit, rand, options, lr):
    """Encoder, both biases and the activation's own parameters are trained from step 0, with the learning rate given."""
    until = 8
    decoder = baseline(submission, kit, rand, 0)["W_dec"]
    end = baseline(submission, kit, rand, until, **options)
    expected = adam_by_hand(rand, decoder, until, lr)
    for name in TRAINED:
        compare(end[name], expected[name], what=f"{name} after {until} steps", atol=0.02 * lr, rtol=0)


def test_the_batches(submission, kit, rand):
    """Steps 0 to until - 1 are made, one batch each."""
    batches = kit.batches_of(rand.seed, BATCH, D_IN)
    submission.frozen_decoder_baseline(kit.Reader(rand.seed, D_IN, D_SAE), batches, kit.priced_error(PRICE), 4)
    compare(list(batches.steps), [0, 1, 2, 3], what="the list of steps whose batches were asked for")


def test_sae_is_left_alone(submission, kit, rand):
    """The autoencoder that was passed in keeps its values, and all of its parameters can still be trained."""
    sae = kit.Reader(rand.seed, D_IN, D_SAE)
    before = ours.values(ours.Reader(rand.seed, D_IN, D_SAE))
    baseline(submission, kit, rand, 3, sae=sae, lr=0.05)
    for name, value in kit.values(sae).items():
        compare(value, before[name], what=f"{name} of the autoencoder that was passed in")
    compare(kit.wants_gradients(sae), dict.fromkeys(before, True), what="the dict of what in `sae` can be trained")


def _baseline(
    sae,
    batch_at,
    objective,
    until,
    lr=1e-3,
    generator=None,
    twin_of=deepcopy,
    draw=torch.randn,
    normalise=lambda d: F.normalize(d, dim=-1),
    tie=True,
    frozen=("W_dec",),
    change=None,
):
    """The reference with its parts left open."""
    twin = twin_of(sae)
    with torch.no_grad():
        twin.W_dec.copy_(normalise(draw(twin.W_dec.shape, generator=generator)))
        if tie:
            twin.W_enc.copy_(twin.W_dec.T)
        if change:
            change(twin)
    for name, parameter in twin.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return ref.train_sae(ref.start_training(twin, lr), batch_at, objective, until, unit_decoder=False)


@mistake("The decoder learns: freeze it with `requires_grad_(False)` before the optimizer is made.")
def decoder_learns(*args, **options):
    return _baseline(*args, **options, frozen=())


@mistake("The decoder learns along the sphere: unit rows are not enough, it must not change at all.")
def decoder_turns(sae, batch_at, objective, until, lr=1e-3, generator=None):
    twin = deepcopy(sae)
    with torch.no_grad():
        twin.W_dec.copy_(F.normalize(torch.randn(twin.W_dec.shape, generator=generator), dim=-1))
        twin.W_enc.copy_(twin.W_dec.T)
    return ref.train_sae(ref.start_training(twin, lr), batch_at, objective, until)


@mistake("The decoder learns and is put back at the end: the rest was trained for another decoder. Freeze it before.")
def put_back_at_the_end(*args, **options):
    twin = _baseline(*args, **options, frozen=())
    generator = options.get("generator")
    if generator is not None:
        generator.manual_seed(generator.initial_seed())
        with torch.no_grad():
            twin.W_dec.copy_(F.normalize(torch.randn(twin.W_dec.shape, generator=generator), dim=-1))
    return twin


@mistake("The decoder is the one of `sae`, frozen: draw a new, random one. What `sae` has learned must not leak in.")
def keeps_the_decoder(sae, batch_at, objective, until, lr=1e-3, generator=None):
    twin = deepcopy(sae)
    with torch.no_grad():
        twin.W_dec.copy_(F.normalize(twin.W_dec, dim=-1))
        twin.W_enc.copy_(twin.W_dec.T)
    twin.W_dec.requires_grad_(False)
    return ref.train_sae(ref.start_training(twin, lr), batch_at, objective, until, unit_decoder=False)


@mistake("The encoder starts as that of `sae`, which has learned something: it starts as the new decoder, transposed.")
def keeps_the_encoder(*args, **options):
    return _baseline(*args, **options, tie=False)


@mistake("The encoder is frozen too: only the decoder is.")
def encoder_frozen(*args, **options):
    return _baseline(*args, **options, frozen=("W_dec", "W_enc"))


@mistake("The biases are frozen too: only the decoder is.")
def biases_frozen(*args, **options):
    return _baseline(*args, **options, frozen=("W_dec", "b_enc", "b_dec"))


@mistake("The activation's own parameters are not trained: give the optimizer all parameters but W_dec.")
def activation_frozen(*args, **options):
    return _baseline(*args, **options, frozen=("W_dec", "activation.scale"))


@mistake("The biases are set to 0: they start as they are in `sae`.")
def biases_at_zero(*args, **options):
    def zero(twin):
        twin.b_enc.zero_()
        twin.b_dec.zero_()

    return _baseline(*args, **options, change=zero)


@mistake("The decoder's rows are not scaled to length 1.")
def not_normalised(*args, **options):
    return _baseline(*args, **options, normalise=lambda d: d)


@mistake("You scale the decoder's columns to length 1: a latent's direction is a row.")
def columns_normalised(*args, **options):
    return _baseline(*args, **options, normalise=lambda d: F.normalize(d, dim=0))


@mistake("`torch.rand` draws from 0 to 1: all directions lie in one corner. Draw from a normal, `torch.randn`.")
def one_corner(*args, **options):
    return _baseline(*args, **options, draw=torch.rand)


@mistake("A uniform draw from -1 to 1 favours the diagonals of the cube: draw from a normal.")
def from_a_cube(*args, **options):
    return _baseline(*args, **options, draw=lambda shape, generator: 2 * torch.rand(shape, generator=generator) - 1)


@mistake("You train `sae` itself: work on a copy, with parameters of its own (`copy.deepcopy`, not `copy.copy`).")
def no_copy(*args, **options):
    return _baseline(*args, **options, twin_of=lambda sae: sae)


@mistake("lr is ignored: hand it to start_training.")
def lr_ignored(sae, batch_at, objective, until, lr=1e-3, generator=None):
    return _baseline(sae, batch_at, objective, until, generator=generator)


@mistake("The generator is ignored: hand it to torch.randn.")
def generator_ignored(sae, batch_at, objective, until, lr=1e-3, generator=None):
    return _baseline(sae, batch_at, objective, until, lr)


@mistake("Without a generator you make one, which starts from the same seed at each call: let torch's own draw.")
def always_the_same(sae, batch_at, objective, until, lr=1e-3, generator=None):
    generator = torch.Generator() if generator is None else generator
    return _baseline(sae, batch_at, objective, until, lr, generator)


@mistake("One step too many: train_sae stops before step `until`.")
def one_step_more(sae, batch_at, objective, until, lr=1e-3, generator=None):
    return _baseline(sae, batch_at, objective, until + 1 if until else 0, lr, generator)


@mistake("Nothing is trained: the baseline gets the same training as the real one, all but its decoder.")
def untrained(sae, batch_at, objective, until, lr=1e-3, generator=None):
    return _baseline(sae, batch_at, objective, 0, lr, generator)
