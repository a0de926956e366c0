"""Grades `embed`. The oracles are numbers that show where they come from, and a loop."""

import pytest
import torch

from dojo.grading import compare, mistake, raises


def inputs(rand, batch, n_pos, n_ctx, d_vocab=11, d_model=5):
    tokens = rand.integers(d_vocab, batch, n_pos)
    return tokens, rand.normal(d_vocab, d_model), rand.normal(n_ctx, d_model)


def by_loop(tokens, W_E, W_pos):
    rows = [[W_E[token] + W_pos[i] for i, token in enumerate(row)] for row in tokens.tolist()]
    return torch.stack([torch.stack(row) for row in rows])


def test_one_vector_for_each_token(submission, rand):
    """embed returns one vector for each token: [batch, pos, d_model]."""
    out = submission.embed(*inputs(rand, 2, 4, 7))
    compare(out, torch.zeros(2, 4, 5), what="the result", axes="batch pos d_model", atol=torch.inf)


def test_numbers_that_show_where_they_come_from(submission):
    """With rows 100, 200, 300 for the tokens and 1, 2, 3, 4 for the positions, token 2 at position 1 becomes 302."""
    W_E = torch.tensor([100.0, 200.0, 300.0])[:, None].repeat(1, 6)
    W_pos = torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None].repeat(1, 6)
    expected = torch.tensor([[101.0, 302.0, 203.0], [201.0, 202.0, 103.0]])[:, :, None].repeat(1, 1, 6)
    out = submission.embed(torch.tensor([[0, 2, 1], [1, 1, 0]]), W_E, W_pos)
    compare(out, expected, what="the embedding", axes="batch pos d_model")


@pytest.mark.parametrize("batch, n_pos, n_ctx", [(3, 4, 9), (2, 6, 6), (4, 1, 3), (5, 5, 7), (1, 3, 8)])
def test_agrees_with_a_loop(submission, rand, batch, n_pos, n_ctx):
    """Each vector is the token's row of W_E plus the position's row of W_pos, for sequences of any length up to n_ctx."""
    tokens, W_E, W_pos = inputs(rand, batch, n_pos, n_ctx)
    out = submission.embed(tokens, W_E, W_pos)
    compare(out, by_loop(tokens, W_E, W_pos), what="the embedding", axes="batch pos d_model")


def test_more_sequences_than_positions(submission, rand):
    """The number of sequences has nothing to do with n_ctx: a batch may be larger."""
    tokens, W_E, W_pos = inputs(rand, 9, 3, 4)
    out = submission.embed(tokens, W_E, W_pos)
    compare(out, by_loop(tokens, W_E, W_pos), what="the embedding", axes="batch pos d_model")


@pytest.mark.parametrize("n_pos, n_ctx", [(6, 5), (10, 5), (13, 5)])
def test_refuses_a_sequence_that_is_too_long(submission, rand, n_pos, n_ctx):
    """More tokens than W_pos has rows is an error: nothing may be cut off, repeated or wrapped around."""
    tokens, W_E, W_pos = inputs(rand, 2, n_pos, n_ctx)
    with raises():
        submission.embed(tokens, W_E, W_pos)


def test_gradients_flow(submission, rand):
    """Gradients reach both tables."""
    tokens, W_E, W_pos = inputs(rand, 2, 4, 7)
    for name, rows in (
        ("W_E", (W_E.clone().requires_grad_(), W_pos)),
        ("W_pos", (W_E, W_pos.clone().requires_grad_())),
    ):
        graph = submission.embed(tokens, *rows).requires_grad
        assert graph, f"No gradient reaches {name}: compute with the tensor itself, without no_grad, detach or .data."


@mistake("The position vectors are missing: the model could not tell the order of its tokens.")
def no_positions(tokens, W_E, W_pos):
    return W_E[tokens]


@mistake("You add all of W_pos; a sequence of pos tokens uses its first pos rows, W_pos[:pos].")
def all_of_W_pos(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos


@mistake("You add the positions in reverse: row 0 of W_pos belongs to the first token.")
def positions_reversed(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[: tokens.shape[1]].flip(0)


@mistake("You use the last rows of W_pos; a short sequence uses the first ones, W_pos[:pos].")
def last_positions(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[-tokens.shape[1] :]


@mistake("W_pos is turned upside down: row 0 belongs to the first token.")
def W_pos_reversed(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos.flip(0)[: tokens.shape[1]]


@mistake("Your positions run along the batch: W_pos has to vary along axis 1 of the tokens, not along axis 0.")
def positions_along_the_batch(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[: tokens.shape[0]][:, None]


@mistake("You look W_pos up by token; look it up by position, 0, 1, 2, ...")
def positions_by_token(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[tokens]


@mistake("Your positions begin at 1; the first token is at position 0.")
def positions_from_one(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[1 : tokens.shape[1] + 1]


@mistake("Every token gets the same position vector; token i gets row i of W_pos.")
def one_position_for_all(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[tokens.shape[1] - 1]


@mistake("You multiply token and position vectors; add them.")
def product(tokens, W_E, W_pos):
    return W_E[tokens] * W_pos[: tokens.shape[1]]


@mistake("You scale the token vectors by sqrt(d_model), as the first transformer did; GPT-2 does not.")
def scaled(tokens, W_E, W_pos):
    return W_E[tokens] * W_E.shape[1] ** 0.5 + W_pos[: tokens.shape[1]]


@mistake("You refuse a sequence of exactly n_ctx tokens; only a longer one is too long.")
def refuses_the_full_length(tokens, W_E, W_pos):
    if tokens.shape[1] >= len(W_pos):
        raise IndexError("too long")
    return W_E[tokens] + W_pos[: tokens.shape[1]]


@mistake("The result is cut off from the graph: the tables could not be trained. Leave out no_grad, detach and .data.")
def no_grad(tokens, W_E, W_pos):
    return (W_E[tokens] + W_pos.narrow(0, 0, tokens.shape[1])).detach()


@mistake("A sequence longer than n_ctx wraps around to the first positions without a word. It has to fail.")
def wraps_around(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[torch.arange(tokens.shape[1]) % len(W_pos)]


@mistake("In a sequence longer than n_ctx, the last row of W_pos is used again and again. It has to fail.")
def repeats_the_last(tokens, W_E, W_pos):
    return W_E[tokens] + W_pos[torch.arange(tokens.shape[1]).clamp(max=len(W_pos) - 1)]


@mistake("You cut a sequence down to n_ctx without a word. A sequence that is too long has to fail.")
def truncates(tokens, W_E, W_pos):
    tokens = tokens[:, : len(W_pos)]
    return W_E[tokens] + W_pos[: tokens.shape[1]]


@mistake("You keep the last n_ctx tokens of a longer sequence without a word. A sequence that is too long has to fail.")
def keeps_the_end(tokens, W_E, W_pos):
    tokens = tokens[:, -len(W_pos) :]
    return W_E[tokens] + W_pos[: tokens.shape[1]]
