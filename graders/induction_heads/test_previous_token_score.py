"""Grades `previous_token_score`. Oracles: patterns whose score is known by construction, and a slow loop."""

import pytest
import torch

from dojo.grading import compare, mistake


def _patterns(rand, batch, n_heads, n_pos):
    """Random causal attention patterns, float [batch, head, query, key]."""
    scores = 2 * rand.normal(batch, n_heads, n_pos, n_pos)
    return scores.masked_fill(torch.ones(n_pos, n_pos).triu(1).bool(), -torch.inf).softmax(dim=-1)


def _slowly(pattern):
    batch, n_heads, n_pos, _ = pattern.shape
    scores = []
    for head in range(n_heads):
        seen = [float(pattern[b, head, query, query - 1]) for b in range(batch) for query in range(1, n_pos)]
        scores.append(sum(seen) / len(seen))
    return torch.tensor(scores)


def test_shape(submission, rand):
    """One score for each head."""
    score = submission.previous_token_score(_patterns(rand, 2, 3, 5))
    compare(score, torch.zeros(3), what="the score", axes="head", atol=torch.inf)


def test_heads_that_look_one_way(submission):
    """A head that always looks one back scores exactly 1; one that looks at itself, at the start, or two back scores 0."""
    n_pos = 6
    query = torch.arange(n_pos)
    keys = [(query - 1).clamp(min=0), query, torch.zeros(n_pos, dtype=torch.int64), (query - 2).clamp(min=0)]
    pattern = torch.stack([torch.eye(n_pos)[key] for key in keys]).expand(3, 4, n_pos, n_pos).clone()
    # Position 1 looks at the start, and the start is one back.
    expected = torch.tensor([1.0, 0.0, 1 / 5, 1 / 5])
    compare(submission.previous_token_score(pattern), expected, what="the score", axes="head")


def test_equal_attention(submission):
    """A head that looks at all positions alike gives 1/2, 1/3 and 1/4 to the one before: 13/36 on the average."""
    even = torch.ones(4, 4).tril() / torch.arange(1, 5)[:, None]
    score = submission.previous_token_score(even.expand(2, 3, 4, 4).clone())
    compare(score, torch.full((3,), 13 / 36), what="the score", axes="head")


def test_two_positions(submission):
    """With two positions there is one query to count: the last."""
    pattern = torch.tensor([[[1.0, 0.0], [0.3, 0.7]], [[1.0, 0.0], [0.8, 0.2]], [[1.0, 0.0], [0.1, 0.9]]])
    score = submission.previous_token_score(pattern[:, None])
    compare(score, torch.tensor([0.4]), what="the score", axes="head")


@pytest.mark.parametrize("batch, n_heads, n_pos", [(2, 3, 5), (4, 2, 7), (3, 5, 4), (1, 6, 9), (7, 1, 3)])
def test_a_slow_loop_finds_the_same(submission, rand, batch, n_heads, n_pos):
    """The score is the mean of pattern[b, head, i, i - 1] over the batch and i = 1, 2, ..."""
    pattern = _patterns(rand, batch, n_heads, n_pos)
    compare(submission.previous_token_score(pattern), _slowly(pattern), what="the score", axes="head")


def test_agrees_with_the_reference(agree, rand):
    """The score agrees with the reference on longer rows."""
    agree("previous_token_score", _patterns(rand, 5, 8, 31), what="the score", axes="head")


def _diagonal(pattern, offset):
    return pattern.diagonal(offset=offset, dim1=-2, dim2=-1)


@mistake("You average over all queries, the first too; nothing stands before it, so that a perfect head is below 1.")
def counts_the_first_query(pattern):
    return _diagonal(pattern, -1).sum(dim=(0, -1)) / (pattern.shape[0] * pattern.shape[-1])


@mistake(
    "You read the diagonal above the main one, pattern[i, i + 1]: that is the future, and always 0. Use offset -1."
)
def looks_ahead(pattern):
    return _diagonal(pattern, 1).mean(dim=(0, -1))


@mistake("You read the main diagonal, a head's attention to its own position. The key is query - 1.")
def looks_at_itself(pattern):
    return _diagonal(pattern, 0).mean(dim=(0, -1))


@mistake("You leave the first query out, but then read the main diagonal of what is left: the key is query - 1.")
def looks_at_itself_without_the_first(pattern):
    return _diagonal(pattern, 0)[..., 1:].mean(dim=(0, -1))


@mistake("You read the second diagonal below the main one: offset -1 is the position just before.")
def two_back(pattern):
    return _diagonal(pattern, -2).mean(dim=(0, -1))


@mistake("You sum over the queries; take their mean.")
def sums_over_queries(pattern):
    return _diagonal(pattern, -1).sum(dim=-1).mean(dim=0)


@mistake("You sum over the batch; take the mean over it as well.")
def sums_over_the_batch(pattern):
    return _diagonal(pattern, -1).mean(dim=-1).sum(dim=0)


@mistake("You sum over batch and queries; take the mean.")
def sums(pattern):
    return _diagonal(pattern, -1).sum(dim=(0, -1))


@mistake("You keep the batch axis; take the mean over it too, so that one score a head is left.")
def one_for_each_row(pattern):
    return _diagonal(pattern, -1).mean(dim=-1)


@mistake("You take the mean over the heads and keep the batch: heads are the second axis.")
def one_for_each_row_not_head(pattern):
    return _diagonal(pattern, -1).mean(dim=(1, -1))


@mistake("You return one number for all heads together; each head gets a score of its own.")
def all_heads_together(pattern):
    return _diagonal(pattern, -1).mean()


@mistake("You look at the first row of the batch only.")
def first_row(pattern):
    return _diagonal(pattern, -1)[0].mean(dim=-1)


@mistake("You look at the last query only; take the mean over all that have a position before them.")
def last_query(pattern):
    return _diagonal(pattern, -1)[..., -1].mean(dim=0)


@mistake("You count how often the position before gets the most attention; average the attention itself.")
def counts_the_largest(pattern):
    before = torch.arange(pattern.shape[-1] - 1)
    return (pattern[:, :, 1:].argmax(dim=-1) == before).float().mean(dim=(0, -1))


@mistake("You average everything below the diagonal; only the key just before the query counts.")
def everything_earlier(pattern):
    return pattern.tril(-1)[:, :, 1:].sum(dim=-1).mean(dim=(0, -1))


@mistake("You divide by the number of heads; each head's score is its own mean.")
def divides_by_the_heads(pattern):
    return _diagonal(pattern, -1).mean(dim=(0, -1)) / pattern.shape[1]


@mistake("diagonal() without dim1 and dim2 takes the first two axes, batch and head. Name the last two.")
def diagonal_of_the_wrong_axes(pattern):
    return pattern.diagonal(offset=-1).mean(dim=(0, -1))


@mistake("You average the logarithms; average the attention.")
def geometric_mean(pattern):
    return _diagonal(pattern, -1).log().mean(dim=(0, -1)).exp()


@mistake("You leave out the second query as well: the first that has a position before it is query 1.")
def skips_a_query_too_many(pattern):
    return _diagonal(pattern, -1)[..., 1:].mean(dim=(0, -1))


@mistake("You leave the last query out; the one to leave out is the first.")
def skips_the_last_query(pattern):
    return _diagonal(pattern, -1)[..., :-1].mean(dim=(0, -1))
