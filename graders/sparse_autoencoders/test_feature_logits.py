"""Grades `feature_logits`. Oracles: sums by hand; and the model's own last step, to which the direction is added.

A stream that is made longer and longer in the direction ends up as the direction alone: LayerNorm then only divides by its
standard deviation.
"""

import pytest
import torch
import torch.nn.functional as F

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake
from graders.sparse_autoencoders import kit as here

SIZES = {"d_vocab": 11, "d_model": 6, "n_ctx": 5, "n_layers": 2, "n_heads": 2, "d_head": 3, "d_mlp": 7}
WHAT, AXES = "the tensor of logits", "token"


def direction_of(rand, length=1.7):
    return length * F.normalize(rand.normal(6, mean=0.5), dim=0)


def slow(model, direction):
    """Token by token, with sums written out."""
    v, gamma, W_U = direction.tolist(), model.ln_final.weight.tolist(), model.W_U.tolist()
    mean = sum(v) / len(v)
    logits = [sum((v[i] - mean) * gamma[i] * W_U[i][t] for i in range(len(v))) for t in range(len(W_U[0]))]
    return torch.tensor([logit - sum(logits) / len(logits) for logit in logits])


@pytest.mark.parametrize("length", [1.0, 2.6])
def test_agrees_with_sums_written_out(submission, kit, rand, length):
    """The logits are right, for directions of length 1 and of others."""
    direction = direction_of(rand, length)
    out = submission.feature_logits(kit.random_transformer(rand.seed, **SIZES), direction)
    compare(out, slow(here.random_transformer(rand.seed, **SIZES), direction), what=WHAT, axes=AXES)


def test_agrees_with_the_models_own_last_step(submission, kit, rand):
    """They are the differences that the model itself makes between tokens, times the standard deviation it divides by."""
    model, direction = here.random_transformer(rand.seed, **SIZES), direction_of(rand)
    with torch.no_grad():
        moved = (model.ln_final(1e3 * direction) - model.ln_final.bias) @ model.W_U * direction.std(correction=0)
    out = submission.feature_logits(kit.random_transformer(rand.seed, **SIZES), direction)
    compare(out, moved - moved.mean(), what=WHAT, axes=AXES, atol=1e-3)


def test_twice_the_direction(submission, kit, rand):
    """Twice the direction gives twice the logits, and the opposite direction the opposite ones."""
    theirs, model, direction = (
        kit.random_transformer(rand.seed, **SIZES),
        here.random_transformer(rand.seed, **SIZES),
        direction_of(rand),
    )
    expected = slow(model, direction)
    compare(submission.feature_logits(theirs, 2 * direction), 2 * expected, what=WHAT, axes=AXES)
    compare(submission.feature_logits(theirs, -direction), -expected, what=WHAT, axes=AXES)


def test_what_nobody_can_see(submission, kit, rand):
    """The same number added to all entries of the direction changes nothing, since LayerNorm subtracts the mean."""
    theirs, direction = kit.random_transformer(rand.seed, **SIZES), direction_of(rand)
    expected = slow(here.random_transformer(rand.seed, **SIZES), direction)
    compare(submission.feature_logits(theirs, direction + 3.0), expected, what=WHAT, axes=AXES, atol=1e-3)


def test_nothing_changes(submission, kit, rand):
    """The model is as it was: the same logits, no hooks."""
    theirs, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(11, 2, 4)
    submission.feature_logits(theirs, direction_of(rand))
    with torch.no_grad():
        expected = here.random_transformer(rand.seed, **SIZES)(tokens)
    compare(theirs(tokens), expected, what="the tensor of logits of a plain run afterwards", atol=1e-3)


# --- known mistakes ---


def parts(model):
    return model.ln_final.weight.detach(), model.ln_final.bias.detach(), model.W_U.detach()


def centred(x):
    return x - x.mean()


@mistake("The direction's own mean is still in it: LayerNorm subtracts the mean over d_model, so do that first.")
def direction_not_centred(model, direction):
    gamma, _, W_U = parts(model)
    return centred(direction * gamma @ W_U)


@mistake("You multiply by ln_final's weight before you subtract the mean: LayerNorm centres first, then multiplies.")
def weight_before_centring(model, direction):
    gamma, _, W_U = parts(model)
    return centred(centred(direction * gamma) @ W_U)


@mistake("ln_final's weight is missing: each coordinate is multiplied by it before W_U.")
def without_the_weight(model, direction):
    return centred(centred(direction) @ parts(model)[2])


@mistake("The mean over the vocabulary is still in: subtract it, no softmax can see it.")
def not_centred_over_tokens(model, direction):
    gamma, _, W_U = parts(model)
    return centred(direction) * gamma @ W_U


@mistake(
    "Neither LayerNorm's centring nor its weight is there: the direction goes through ln_final's linear part first."
)
def plain_unembedding(model, direction):
    return centred(direction @ parts(model)[2])


@mistake("That is direction @ W_U alone: centre the direction, multiply by ln_final's weight, centre the logits.")
def nothing_but_unembedding(model, direction):
    return direction @ parts(model)[2]


@mistake("ln_final's bias is added: it is there whatever the latent does, so it is no part of what the latent favours.")
def with_the_bias(model, direction):
    gamma, bias, W_U = parts(model)
    return centred((centred(direction) * gamma + bias) @ W_U)


@mistake("You call ln_final on the direction: that divides it by its own standard deviation and adds the bias.")
def through_ln_final(model, direction):
    with torch.no_grad():
        return centred(model.ln_final(direction) @ model.W_U)


@mistake(
    "The direction is divided by its own standard deviation: that division depends on the whole stream, leave it out."
)
def divided_by_std(model, direction):
    gamma, _, W_U = parts(model)
    return centred(centred(direction) / (direction.var(correction=0) + model.ln_final.eps).sqrt() * gamma @ W_U)


@mistake("The direction is scaled to length 1: take it as it is.")
def unit_direction(model, direction):
    gamma, _, W_U = parts(model)
    return centred(centred(F.normalize(direction, dim=0)) * gamma @ W_U)


@mistake("You return probabilities: the numbers asked for are logits, which may be negative.")
def probabilities(model, direction):
    return ref.feature_logits(model, direction).softmax(dim=-1)


@mistake("You return log-probabilities: subtract the mean, not the logarithm of the sum of exponentials.")
def log_probabilities(model, direction):
    return ref.feature_logits(model, direction).log_softmax(dim=-1)


@mistake("You unembed with W_E transposed: W_U is a parameter of its own.")
def with_the_embedding(model, direction):
    return centred(centred(direction) * parts(model)[0] @ model.W_E.detach().T)


@mistake("You use a LayerNorm inside the model: the one before the unembedding is ln_final.")
def another_layernorm(model, direction):
    return centred(centred(direction) * model.blocks[-1].ln2.weight.detach() @ parts(model)[2])


@mistake("The logits are also divided by their standard deviation: only their mean goes.")
def standardised(model, direction):
    logits = ref.feature_logits(model, direction).detach()
    return logits / logits.std(correction=0)
