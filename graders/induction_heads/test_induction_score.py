"""Grades `induction_score`. Oracles: a row worked by hand, heads that are right by construction, and a slow loop."""

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
                after = [key + 1 for key in range(query) if row[key] == row[query]]
                if after:
                    seen.append(sum(float(pattern[b, head, query, key]) for key in after))
        scores.append(sum(seen) / len(seen) if seen else 0.0)
    return torch.tensor(scores)


def test_shape(submission, rand):
    """One score for each head."""
    score = submission.induction_score(_patterns(rand, 2, 3, 5), _tokens(rand, 3, 2, 5))
    compare(score, torch.zeros(3), what="the score", axes="head", atol=torch.inf)


def test_a_row_worked_by_hand(submission):
    """Tokens 7 8 9 7 7: position 3 gives 0.2 to position 1; position 4 gives 0.3 to 1 and 0.1 to itself: 0.3 on average."""
    pattern = torch.eye(5)
    pattern[3] = torch.tensor([0.4, 0.2, 0.1, 0.3, 0.0])
    pattern[4] = torch.tensor([0.2, 0.3, 0.15, 0.25, 0.1])
    score = submission.induction_score(pattern[None, None], torch.tensor([[7, 8, 9, 7, 7]]))
    compare(score, torch.tensor([0.3]), what="the score", axes="head")


def test_a_perfect_head(submission):
    """A head that looks at nothing but what came after an earlier copy scores exactly 1."""
    tokens = torch.tensor([[0, 5, 2, 6, 5, 2, 6], [3, 1, 4, 3, 1, 4, 3]])
    after = torch.tensor([[0, 0, 0, 0, 2, 3, 4], [0, 0, 0, 1, 2, 3, 4]])
    copies = torch.tensor([[0, 0, 0, 0, 1, 2, 3], [0, 0, 0, 0, 1, 2, 3]])
    before = (torch.arange(7) - 1).clamp(min=0).expand(2, 7)
    pattern = torch.eye(7)[torch.stack([after, copies, before], dim=1)]
    score = submission.induction_score(pattern, tokens)
    compare(score, torch.tensor([1.0, 0.0, 0.0]), what="the score", axes="head")


def test_the_position_after_may_be_the_querys_own(submission):
    """Tokens 4 4 4: what came after the copy at i - 1 stands at i itself, and attention to it counts."""
    pattern = torch.tensor([[1.0, 0.0, 0.0], [0.75, 0.25, 0.0], [0.2, 0.3, 0.5]])
    score = submission.induction_score(pattern.expand(2, 3, 3, 3).clone(), torch.full((2, 3), 4))
    compare(score, torch.full((3,), (0.25 + 0.8) / 2), what="the score", axes="head")


def test_no_token_twice(submission, rand):
    """If no token comes twice, every head scores 0."""
    tokens = torch.stack([rand.permutation(6), rand.permutation(6)])
    score = submission.induction_score(_patterns(rand, 2, 3, 6), tokens)
    compare(score, torch.zeros(3), what="the score", axes="head")


def test_rows_do_not_count_alike(submission):
    """The mean is over all queries with a copy: three in one row, one in the other, and none of the third."""
    tokens = torch.tensor([[1, 2, 1, 2, 1], [3, 4, 5, 6, 3], [0, 1, 2, 3, 4]])
    pattern = torch.zeros(3, 2, 5, 5)
    pattern[0, 0, :, 1], pattern[1, 0, :, 1], pattern[2, 0, :, 1] = 0.8, 0.4, 0.7
    pattern[0, 1, :, 2], pattern[1, 1, :, 2], pattern[2, 1, :, 2] = 0.6, 0.9, 0.5
    pattern = pattern.tril()
    # Queries 2, 3 and 4 of row 0 look for the keys {1}, {2} and {1, 3}; query 4 of row 1 for {1}.
    expected = torch.tensor([(0.8 + 0.0 + 0.8 + 0.4) / 4, (0.0 + 0.6 + 0.0 + 0.0) / 4])
    compare(submission.induction_score(pattern, tokens), expected, what="the score", axes="head")


@pytest.mark.parametrize(
    "batch, n_heads, n_pos, d_vocab", [(2, 3, 6, 4), (4, 2, 9, 5), (3, 5, 7, 30), (1, 4, 8, 2), (6, 1, 5, 3)]
)
def test_a_slow_loop_finds_the_same(submission, rand, batch, n_heads, n_pos, d_vocab):
    """On random patterns and tokens, a loop over rows, queries and keys finds the same score."""
    pattern, tokens = _patterns(rand, batch, n_heads, n_pos), _tokens(rand, d_vocab, batch, n_pos)
    score = submission.induction_score(pattern, tokens)
    compare(score, _slowly(pattern, tokens), what="the score", axes="head")


def test_repeated_sequences(agree, rand):
    """The score agrees with the reference on rows of repeated tokens, where copies stand one or more periods back."""
    generator = torch.Generator().manual_seed(rand.seed)
    tokens = ref.repeated_tokens([6, 9, 4], 23, 40, generator=generator)
    agree("induction_score", _patterns(rand, 3, 7, 23), tokens, what="the score", axes="head")


def _same(tokens):
    return tokens[:, :, None] == tokens[:, None, :]


def _after(tokens):
    return _same(tokens).tril(diagonal=-1).roll(1, dims=-1)


def _attention(pattern, wanted):
    return (pattern * wanted[:, None]).sum(dim=-1)  # [batch, head, query]


@mistake("You shift the wrong way: you count what came just before the earlier copy. The key is j + 1.")
def before_the_copy(pattern, tokens):
    return ref.attention_to(pattern, _same(tokens).tril(-1).roll(-1, dims=-1))


@mistake("You count attention to the copy itself: that is the duplicate-token score. The key is the position after it.")
def the_copy_itself(pattern, tokens):
    return ref.duplicate_token_score(pattern, tokens)


@mistake("You leave out the case where the position after the copy is the query's own (j = i - 1); it counts as well.")
def never_the_querys_own(pattern, tokens):
    return ref.attention_to(pattern, _after(tokens).tril(-1))


@mistake(
    "You set the query's own position aside, but still count the query in the mean: where j = i - 1, the key i is wanted."
)
def own_position_gives_nothing(pattern, tokens):
    wanted = _after(tokens)
    return _attention(pattern, wanted.tril(-1)).sum(dim=(0, -1)) / wanted.any(dim=-1).sum().clamp(min=1)


@mistake("You shift before you mask, with each position its own copy: every query then counts. A copy stands at j < i.")
def counts_itself(pattern, tokens):
    return ref.attention_to(pattern, _same(tokens).tril().roll(1, dims=-1))


@mistake(
    "You leave the mask out: later copies count too, and roll carries the last key round to the first. Use tril(-1)."
)
def no_mask(pattern, tokens):
    return ref.attention_to(pattern, _same(tokens).roll(1, dims=-1))


@mistake("roll carries the row's last token round to key 0: nothing came before key 0, so that it is never wanted.")
def wraps_around(pattern, tokens):
    before = tokens.roll(1, dims=1)  # the token before each key
    return ref.attention_to(pattern, (tokens[:, :, None] == before[:, None, :]).tril())


@mistake("You shift the queries, not the keys: roll the last axis.")
def shifts_queries(pattern, tokens):
    return ref.attention_to(pattern, _same(tokens).tril(-1).roll(1, dims=-2))


@mistake(
    "You look for a key that holds the token that comes next; the rule is that the key's own predecessor is the copy."
)
def looks_for_the_next_token(pattern, tokens):
    following = tokens.roll(-1, dims=1)
    wanted = (following[:, :, None] == tokens[:, None, :]).tril(-1)
    wanted[:, -1] = False
    return ref.attention_to(pattern, wanted)


@mistake("You average over all queries; those whose token has not come before cannot be continued: leave them out.")
def mean_over_all_queries(pattern, tokens):
    return _attention(pattern, _after(tokens)).mean(dim=(0, -1))


@mistake("You divide by the number of copies; a query counts once, with the attention to all its keys j + 1 summed.")
def mean_over_pairs(pattern, tokens):
    wanted = _after(tokens)
    return _attention(pattern, wanted).sum(dim=(0, -1)) / wanted.sum().clamp(min=1)


@mistake("You average over the keys j + 1 of a query; sum over them, and then take the mean over the queries.")
def mean_over_the_keys_of_each_query(pattern, tokens):
    wanted = _after(tokens)
    attention = _attention(pattern, wanted) / wanted.sum(dim=-1).clamp(min=1)[:, None]
    return attention.sum(dim=(0, -1)) / wanted.any(dim=-1).sum().clamp(min=1)


@mistake("You average each row and then the rows; all queries of the batch count alike, whichever row they are in.")
def mean_of_the_rows(pattern, tokens):
    wanted = _after(tokens)
    means = _attention(pattern, wanted).sum(dim=-1) / wanted.any(dim=-1).sum(dim=-1).clamp(min=1)[:, None]
    return means.mean(dim=0)


@mistake("You average each row and then the rows that have a copy; all queries of the batch count alike.")
def mean_of_the_rows_with_copies(pattern, tokens):
    wanted = _after(tokens)
    counts = wanted.any(dim=-1).sum(dim=-1)
    means = _attention(pattern, wanted).sum(dim=-1) / counts.clamp(min=1)[:, None]
    return means.sum(dim=0) / (counts > 0).sum().clamp(min=1)


@mistake("You keep the batch axis; take the mean over the queries of all rows together.")
def one_for_each_row(pattern, tokens):
    wanted = _after(tokens)
    return _attention(pattern, wanted).sum(dim=-1) / wanted.any(dim=-1).sum(dim=-1).clamp(min=1)[:, None]


@mistake("Where no token comes twice you divide by 0 and return nan; the score is then 0.")
def nan_without_copies(pattern, tokens):
    wanted = _after(tokens)
    return _attention(pattern, wanted).sum(dim=(0, -1)) / wanted.any(dim=-1).sum()


@mistake("You look at the latest copy only; sum the attention to what came after each of the earlier copies.")
def latest_copy_only(pattern, tokens):
    wanted = _after(tokens)
    later = wanted.flip(-1).cumsum(dim=-1).flip(-1)
    return ref.attention_to(pattern, wanted & (later == 1))


@mistake("You look at the first copy only; sum the attention to what came after each of the earlier copies.")
def first_copy_only(pattern, tokens):
    wanted = _after(tokens)
    return ref.attention_to(pattern, wanted & (wanted.cumsum(dim=-1) == 1))


@mistake("You sum over the queries; take their mean.")
def sums(pattern, tokens):
    return _attention(pattern, _after(tokens)).sum(dim=(0, -1))


@mistake("You return one number for all heads; each gets a score of its own.")
def all_heads_together(pattern, tokens):
    return ref.induction_score(pattern, tokens).mean()


@mistake("You find the copies in the first row only; each row has its own.")
def first_rows_copies(pattern, tokens):
    return ref.induction_score(pattern, tokens[:1].expand_as(tokens))


@mistake("You treat token 0 as padding; it is a token like any other, and what came after it counts.")
def ignores_token_zero(pattern, tokens):
    return ref.attention_to(pattern, (_same(tokens).tril(-1) & (tokens != 0)[:, None, :]).roll(1, dims=-1))


@mistake(
    "You leave the row's last query out because nothing comes after it; it has a copy like the others, and counts."
)
def leaves_the_last_query_out(pattern, tokens):
    return ref.attention_to(pattern[:, :, :-1, :-1], _after(tokens)[:, :-1, :-1])
