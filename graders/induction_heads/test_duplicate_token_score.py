"""Grades `duplicate_token_score`. Oracles: a row worked by hand, heads that are right by construction, and a slow loop."""

import pytest
import torch

import solutions.induction_heads as ref
from dojo.grading import compare, mistake


def _patterns(rand, batch, n_heads, n_pos):
    """Random causal attention patterns, float [batch, head, query, key]."""
    scores = 2 * rand.normal(batch, n_heads, n_pos, n_pos)
    return scores.masked_fill(torch.ones(n_pos, n_pos).triu(1).bool(), -torch.inf).softmax(dim=-1)


def _tokens(rand, d_vocab, batch, n_pos):
    """Tokens with many copies in the first row, no copy at all in the second, and whatever comes in the others."""
    tokens = rand.integers(d_vocab, batch, n_pos)
    tokens[0] = rand.integers(3, n_pos)
    if batch > 1:
        tokens[1] = d_vocab + rand.permutation(n_pos)
    return tokens


def _slowly(pattern, tokens):
    rows, n_pos = tokens.tolist(), tokens.shape[1]
    scores = []
    for head in range(pattern.shape[1]):
        seen = []
        for b, row in enumerate(rows):
            for query in range(n_pos):
                copies = [key for key in range(query) if row[key] == row[query]]
                if copies:
                    seen.append(sum(float(pattern[b, head, query, key]) for key in copies))
        scores.append(sum(seen) / len(seen) if seen else 0.0)
    return torch.tensor(scores)


def test_shape(submission, rand):
    """One score for each head."""
    score = submission.duplicate_token_score(_patterns(rand, 2, 3, 5), _tokens(rand, 3, 2, 5))
    compare(score, torch.zeros(3), what="the score", axes="head", atol=torch.inf)


def test_a_row_worked_by_hand(submission):
    """Tokens 7 8 7 7: position 2 gives 0.2 to its copy, position 3 gives 0.1 + 0.4 to its two; the mean is 0.35."""
    pattern = torch.tensor([[1.0, 0, 0, 0], [0.6, 0.4, 0, 0], [0.2, 0.3, 0.5, 0], [0.1, 0.2, 0.4, 0.3]])
    score = submission.duplicate_token_score(pattern[None, None], torch.tensor([[7, 8, 7, 7]]))
    compare(score, torch.tensor([0.35]), what="the score", axes="head")


def test_a_head_that_looks_at_copies(submission):
    """A head that looks at nothing but an earlier copy scores exactly 1; one that looks at its own position scores 0."""
    tokens = torch.tensor([[0, 5, 2, 5, 0, 2], [0, 1, 3, 4, 3, 6]])
    at_copies = torch.tensor([[0, 0, 0, 1, 0, 2], [0, 0, 0, 0, 2, 0]])
    at_itself = torch.arange(6).expand(2, 6)
    at_the_start = torch.zeros(2, 6, dtype=torch.int64)
    pattern = torch.eye(6)[torch.stack([at_copies, at_itself, at_the_start], dim=1)]
    # Of the four queries with a copy one has it at the start.
    score = submission.duplicate_token_score(pattern, tokens)
    compare(score, torch.tensor([1.0, 0.0, 0.25]), what="the score", axes="head")


def test_no_token_twice(submission, rand):
    """If no token comes twice, every head scores 0."""
    tokens = torch.stack([rand.permutation(6), rand.permutation(6)])
    score = submission.duplicate_token_score(_patterns(rand, 2, 3, 6), tokens)
    compare(score, torch.zeros(3), what="the score", axes="head")


def test_rows_do_not_count_alike(submission):
    """The mean is over all queries with a copy: three in one row, one in the other, and none of the third."""
    tokens = torch.tensor([[4, 4, 4, 4], [4, 6, 5, 6], [0, 1, 2, 3]])
    share = torch.tensor([0.9, 0.1, 0.5])[:, None]  # what all the earlier positions get together
    earlier = torch.ones(4, 4).tril(-1)
    pattern = torch.zeros(3, 2, 4, 4)
    pattern[:, 0] = earlier / earlier.sum(dim=-1, keepdim=True).clamp(min=1) * share[..., None]
    pattern[:, 1, :, 0] = share
    # Head 0, row 1: the copy is one of three earlier positions. Head 1 looks at the start alone.
    expected = torch.tensor([(3 * 0.9 + 0.1 / 3) / 4, (3 * 0.9 + 0.0) / 4])
    compare(submission.duplicate_token_score(pattern, tokens), expected, what="the score", axes="head")


@pytest.mark.parametrize(
    "batch, n_heads, n_pos, d_vocab", [(2, 3, 6, 4), (4, 2, 9, 5), (3, 5, 7, 30), (1, 4, 8, 2), (6, 1, 5, 3)]
)
def test_a_slow_loop_finds_the_same(submission, rand, batch, n_heads, n_pos, d_vocab):
    """On random patterns and tokens, a loop over rows, queries and keys finds the same score."""
    pattern, tokens = _patterns(rand, batch, n_heads, n_pos), _tokens(rand, d_vocab, batch, n_pos)
    score = submission.duplicate_token_score(pattern, tokens)
    compare(score, _slowly(pattern, tokens), what="the score", axes="head")


def test_repeated_sequences(agree, rand):
    """The score agrees with the reference on rows of repeated tokens, where copies stand one or more periods back."""
    generator = torch.Generator().manual_seed(rand.seed)
    tokens = ref.repeated_tokens([6, 9, 4], 23, 40, generator=generator)
    agree("duplicate_token_score", _patterns(rand, 3, 7, 23), tokens, what="the score", axes="head")


def _copies(tokens):
    return (tokens[:, :, None] == tokens[:, None, :]).tril(diagonal=-1)


def _attention(pattern, wanted):
    return (pattern * wanted[:, None]).sum(dim=-1)  # [batch, head, query]


@mistake(
    "You count the query's own position as a copy, so that every query has one: only earlier ones are. Use tril(-1)."
)
def counts_itself(pattern, tokens):
    return ref.attention_to(pattern, (tokens[:, :, None] == tokens[:, None, :]).tril())


@mistake(
    "You count a query whose only copies come later: without tril(-1) such queries, and all others, are in the mean."
)
def counts_later_copies(pattern, tokens):
    same = (tokens[:, :, None] == tokens[:, None, :]) & ~torch.eye(tokens.shape[1], dtype=torch.bool)
    return ref.attention_to(pattern, same)


@mistake(
    "You kept the copies that come after the query, not those before it: the key is the last axis. Use tril, not triu."
)
def copies_after(pattern, tokens):
    return ref.attention_to(pattern, (tokens[:, :, None] == tokens[:, None, :]).triu(1))


@mistake("You average over all queries; those whose token has not come before have no copy to look at: leave them out.")
def mean_over_all_queries(pattern, tokens):
    return _attention(pattern, _copies(tokens)).mean(dim=(0, -1))


@mistake("You divide by the number of copies; a query counts once, with the attention to all of its copies summed.")
def mean_over_pairs(pattern, tokens):
    copies = _copies(tokens)
    return _attention(pattern, copies).sum(dim=(0, -1)) / copies.sum().clamp(min=1)


@mistake("You average over a query's copies; sum the attention to them, and then take the mean over the queries.")
def mean_over_the_copies_of_each_query(pattern, tokens):
    copies = _copies(tokens)
    attention = _attention(pattern, copies) / copies.sum(dim=-1).clamp(min=1)[:, None]
    return attention.sum(dim=(0, -1)) / copies.any(dim=-1).sum().clamp(min=1)


@mistake("You average each row and then the rows; all queries of the batch count alike, whichever row they are in.")
def mean_of_the_rows(pattern, tokens):
    copies = _copies(tokens)
    means = _attention(pattern, copies).sum(dim=-1) / copies.any(dim=-1).sum(dim=-1).clamp(min=1)[:, None]
    return means.mean(dim=0)


@mistake("You average each row and then the rows that have a copy; all queries of the batch count alike.")
def mean_of_the_rows_with_copies(pattern, tokens):
    copies = _copies(tokens)
    counts = copies.any(dim=-1).sum(dim=-1)
    means = _attention(pattern, copies).sum(dim=-1) / counts.clamp(min=1)[:, None]
    return means.sum(dim=0) / (counts > 0).sum().clamp(min=1)


@mistake("You keep the batch axis; take the mean over the queries of all rows together.")
def one_for_each_row(pattern, tokens):
    copies = _copies(tokens)
    return _attention(pattern, copies).sum(dim=-1) / copies.any(dim=-1).sum(dim=-1).clamp(min=1)[:, None]


@mistake("Where no token comes twice you divide by 0 and return nan; the score is then 0.")
def nan_without_copies(pattern, tokens):
    copies = _copies(tokens)
    return _attention(pattern, copies).sum(dim=(0, -1)) / copies.any(dim=-1).sum()


@mistake("You look at the latest copy only; sum the attention to all earlier copies.")
def latest_copy_only(pattern, tokens):
    copies = _copies(tokens)
    later = copies.flip(-1).cumsum(dim=-1).flip(-1)
    return ref.attention_to(pattern, copies & (later == 1))


@mistake("You look at the first copy only; sum the attention to all earlier copies.")
def first_copy_only(pattern, tokens):
    copies = _copies(tokens)
    return ref.attention_to(pattern, copies & (copies.cumsum(dim=-1) == 1))


@mistake("You take the largest attention among a query's copies; sum it over all of them.")
def largest(pattern, tokens):
    copies = _copies(tokens)
    return (pattern * copies[:, None]).amax(dim=-1).sum(dim=(0, -1)) / copies.any(dim=-1).sum().clamp(min=1)


@mistake("You sum over the queries; take their mean.")
def sums(pattern, tokens):
    return _attention(pattern, _copies(tokens)).sum(dim=(0, -1))


@mistake("You divide by the number of queries with a copy times the batch: the count is over the whole batch already.")
def divides_by_the_batch_too(pattern, tokens):
    return ref.duplicate_token_score(pattern, tokens) / len(tokens)


@mistake("You return one number for all heads; each gets a score of its own.")
def all_heads_together(pattern, tokens):
    return ref.duplicate_token_score(pattern, tokens).mean()


@mistake("You compare tokens with those of the first row; each row has its own copies.")
def first_rows_copies(pattern, tokens):
    return ref.duplicate_token_score(pattern, tokens[:1].expand_as(tokens))


@mistake("You treat token 0 as padding; it is a token like any other, and its copies count.")
def ignores_token_zero(pattern, tokens):
    return ref.attention_to(pattern, _copies(tokens) & (tokens != 0)[:, None, :])


@mistake("You count a query if any row has a copy at that position; each row has its own copies.")
def queries_of_any_row(pattern, tokens):
    copies = _copies(tokens)
    return _attention(pattern, copies).mean(dim=0).sum(dim=-1) / copies.any(dim=-1).any(dim=0).sum().clamp(min=1)


@mistake("You look at what comes after the copy: that is the induction score. Here it is the copy itself.")
def after_the_copy(pattern, tokens):
    return ref.induction_score(pattern, tokens)


@mistake(
    "You divide by the number of tokens that come more than once, not by the number of queries with an earlier copy."
)
def divides_by_distinct_tokens(pattern, tokens):
    copies = _copies(tokens)
    first = (copies & (copies.sum(dim=-1, keepdim=True) == 1)).any(dim=-1)  # second comings: one for each such token
    return _attention(pattern, copies).sum(dim=(0, -1)) / first.sum().clamp(min=1)
