"""Grades `token_log_probs`. Oracles: probabilities worked by hand and torch.nn.functional.cross_entropy."""

import math

import pytest
import torch
import torch.nn.functional as F

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake

AXES = "batch pos-1"


def test_one_fewer_than_positions(submission, rand):
    """There is one log-probability for each next token: [batch, pos - 1]."""
    out = submission.token_log_probs(rand.normal(2, 5, 7), rand.integers(7, 2, 5))
    compare(out, torch.zeros(2, 4), what="the result", axes=AXES, atol=torch.inf)


def test_equal_logits(submission, rand):
    """Where all logits are equal, each of the 8 tokens has probability 1/8: every entry is -log 8, about -2.079."""
    logits = rand.normal(3, 4, 1).expand(3, 4, 8).clone()
    out = submission.token_log_probs(logits, rand.integers(8, 3, 4))
    compare(out, torch.full((3, 3), -math.log(8)), what="the result", axes=AXES)


def test_probabilities_worked_by_hand(submission):
    """Entry i is the log-probability of token i + 1 under the logits at position i."""
    weights = torch.tensor([[[1.0, 2, 5, 8], [4, 4, 1, 7], [9, 9, 9, 9]], [[1, 1, 3, 5], [2, 5, 2, 1], [1, 2, 3, 4]]])
    tokens = torch.tensor([[3, 2, 0], [2, 3, 1]])
    expected = torch.tensor([[5 / 16, 4 / 16], [5 / 10, 5 / 10]]).log()
    out = submission.token_log_probs(weights.log(), tokens)
    compare(out, expected, what="the result", axes=AXES)


@pytest.mark.parametrize("batch, n_pos, d_vocab", [(3, 5, 7), (4, 2, 9), (2, 6, 3)])
def test_agrees_with_cross_entropy(submission, rand, batch, n_pos, d_vocab):
    """Entry by entry, the result is minus torch's cross-entropy between logits[:, :-1] and tokens[:, 1:]."""
    logits, tokens = 3 * rand.normal(batch, n_pos, d_vocab), rand.integers(d_vocab, batch, n_pos)
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    out = submission.token_log_probs(logits, tokens)
    compare(out, -loss.reshape(batch, n_pos - 1), what="the result", axes=AXES)


def test_agrees_with_the_reference(agree, rand):
    """The result agrees with the reference on a larger batch."""
    agree("token_log_probs", 2 * rand.normal(6, 9, 31), rand.integers(31, 6, 9), what="the result", axes=AXES)


def test_the_logits_scale_does_not_matter(submission, rand):
    """A number added to all logits of a position changes nothing, be it ever so large."""
    logits, tokens = rand.normal(2, 4, 6), rand.integers(6, 2, 4)
    shifted = logits + torch.tensor([300.0, -300.0, 100.0, 0.0])[:, None]
    expected = submission.token_log_probs(logits, tokens)
    out = submission.token_log_probs(shifted, tokens)
    compare(out, expected, what="the result for shifted logits", axes=AXES, atol=1e-3)


def test_hopeless_tokens_stay_finite(submission, rand):
    """A token 1000 below the largest logit has log-probability -1000, not -inf; the largest itself has 0."""
    tokens = torch.tensor([[4, 0, 2, 1], [3, 2, 2, 0]])
    logits = torch.zeros(2, 4, 5)
    logits[..., 2] = 1000.0
    expected = torch.tensor([[-1000.0, 0.0, -1000.0], [0.0, 0.0, -1000.0]])
    compare(submission.token_log_probs(logits, tokens), expected, what="the result", axes=AXES)


def test_gradients_flow(submission, rand):
    """A model can be trained on it: the result hangs on the graph of the logits."""
    logits, tokens = rand.normal(2, 4, 6).requires_grad_(), rand.integers(6, 2, 4)
    graph = submission.token_log_probs(logits, tokens).requires_grad
    assert graph, (
        "No gradient reaches the logits, so that nothing could be trained: leave out no_grad, detach and .item()."
    )


def gather(log_probs, tokens):
    return log_probs.gather(-1, tokens[..., None])[..., 0]


@mistake("You score each token under the logits at its own position; those predict the token after it. Shift by one.")
def no_shift(logits, tokens):
    return gather(logits.log_softmax(-1)[:, 1:], tokens[:, 1:])


@mistake("You score each position's own token, not the next one: take tokens[:, 1:].")
def own_tokens(logits, tokens):
    return gather(logits.log_softmax(-1)[:, :-1], tokens[:, :-1])


@mistake("You shift the wrong way: you score the previous token. Position i predicts token i + 1.")
def previous_tokens(logits, tokens):
    return gather(logits.log_softmax(-1)[:, 1:], tokens[:, :-1])


@mistake("You drop no position: the result has one entry too many, and each token is scored at its own position.")
def no_shift_at_all(logits, tokens):
    return gather(logits.log_softmax(-1), tokens)


@mistake("You wrap around: the last position's logits are scored on the first token. Leave the last position out.")
def wraps_around(logits, tokens):
    return gather(logits.log_softmax(-1), tokens.roll(-1, dims=1))


@mistake("You take the softmax over positions; take it over the vocabulary, the last axis.")
def softmax_over_positions(logits, tokens):
    return gather(logits.log_softmax(1)[:, :-1], tokens[:, 1:])


@mistake("You take the softmax over the positions that are left; take it over the vocabulary, the last axis.")
def softmax_over_the_positions_left(logits, tokens):
    return gather(logits[:, :-1].log_softmax(1), tokens[:, 1:])


@mistake("You take the softmax over the batch; take it over the vocabulary, the last axis.")
def softmax_over_the_batch(logits, tokens):
    return gather(logits.log_softmax(0)[:, :-1], tokens[:, 1:])


@mistake("These are probabilities; take their logarithm (log_softmax).")
def probabilities(logits, tokens):
    return ref.token_log_probs(logits, tokens).exp()


@mistake("You take the log of the softmax: a small probability becomes 0 and its log -inf. Use log_softmax.")
def log_of_softmax(logits, tokens):
    return gather(logits.softmax(-1).log()[:, :-1], tokens[:, 1:])


@mistake(
    "You add a small number to the probabilities before the log, which hides how unlikely a token is. Use log_softmax."
)
def log_of_softmax_with_a_floor(logits, tokens):
    return gather((logits.softmax(-1) + 1e-9).log()[:, :-1], tokens[:, 1:])


@mistake("You clamp the probabilities before the log, which hides how unlikely a token is. Use log_softmax.")
def log_of_softmax_clamped(logits, tokens):
    return gather(logits.softmax(-1).clamp(min=1e-12).log()[:, :-1], tokens[:, 1:])


@mistake("You take the softmax twice: log_softmax of the softmax. One log_softmax of the logits is enough.")
def log_softmax_of_softmax(logits, tokens):
    return gather(logits.softmax(-1).log_softmax(-1)[:, :-1], tokens[:, 1:])


@mistake("exp(logits) overflows where logits are large: subtract the maximum first, or use log_softmax.")
def overflows(logits, tokens):
    return gather((logits - logits.exp().sum(-1, keepdim=True).log())[:, :-1], tokens[:, 1:])


@mistake("These are the raw logits; normalise them with log_softmax.")
def raw_logits(logits, tokens):
    return gather(logits[:, :-1], tokens[:, 1:])


@mistake("The sign is turned round: this is the loss, minus the log-probability.")
def losses(logits, tokens):
    return -ref.token_log_probs(logits, tokens)


@mistake("These are logarithms to base 2; the natural logarithm is asked.")
def base_two(logits, tokens):
    return ref.token_log_probs(logits, tokens) / math.log(2)


@mistake("These are logarithms to base 10; the natural logarithm is asked.")
def base_ten(logits, tokens):
    return ref.token_log_probs(logits, tokens) / math.log(10)


@mistake("The vocabulary axis is still there, with size 1: squeeze it, or index it with [..., 0].")
def axis_kept(logits, tokens):
    return ref.token_log_probs(logits, tokens)[..., None]


@mistake("squeeze() drops every axis of size 1, the position's too where there is one: name the axis, squeeze(-1).")
def squeezes_too_much(logits, tokens):
    return ref.token_log_probs(logits, tokens).squeeze()


@mistake("The result is cut off from the graph, so that nothing can be trained on it. Leave out no_grad and detach.")
def no_grad(logits, tokens):
    return ref.token_log_probs(logits, tokens).detach()


@mistake("You return one number; return one for each sequence and each next token.")
def mean_of_all(logits, tokens):
    return ref.token_log_probs(logits, tokens).mean()


@mistake("You sum over the positions; return one number for each next token.")
def sum_of_each_sequence(logits, tokens):
    return ref.token_log_probs(logits, tokens).sum(-1)
