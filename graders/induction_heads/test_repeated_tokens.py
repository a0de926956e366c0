"""repeated_tokens: which tokens are drawn is nobody's business, so tests look at what every right draw has in common.

The kit tells a draw by what repeats in it. Where chance has a say, a right answer fails less than once in 1e9 gradings.
"""

import math

import pytest
import torch

from dojo.grading import compare, mistake

AXES = "batch pos"
MANY = 100_000  # so large a vocabulary that two tokens are hardly ever the same by chance


def _first(found, batch, n_pos):
    """Where each token stood first in its row, once the answer is a tensor of the right shape."""
    first = found["first"] if isinstance(found, dict) else found
    compare(first, torch.zeros(batch, n_pos, dtype=torch.int64), what="the result", axes=AXES, atol=torch.inf)
    return first


def test_shape(submission, kit, rand):
    """One row for each period, n_pos tokens long with BOS: int64 [batch, pos]."""
    first = _first(kit.drawn_rows(submission.repeated_tokens, rand.seed, [4, 2, 3], 9, MANY), 3, 9)
    assert first.dtype == torch.int64, f"The result has dtype {first.dtype}; tokens are torch.int64."


@pytest.mark.parametrize("bos", [0, 5, MANY - 1])
def test_bos_begins_every_row(submission, kit, rand, bos):
    """Every row begins with `bos`, and has it nowhere else."""
    found = kit.drawn_rows(submission.repeated_tokens, rand.seed, [4, 2, 3], 11, MANY, bos=bos)
    _first(found, 3, 11)
    expected = torch.zeros(3, 11, dtype=torch.bool)
    expected[:, 0] = True
    compare(found["bos"], expected, what="where bos stands", axes=AXES)


@pytest.mark.parametrize("periods, n_pos", [([3, 5, 4, 1], 14), ([6, 6], 13), ([2, 7, 3], 21)])
def test_each_token_equals_the_one_a_period_before(submission, kit, rand, periods, n_pos):
    """From position 1 + period on, every token equals the one `period` places before it, to the end of the row."""
    first = _first(kit.drawn_rows(submission.repeated_tokens, rand.seed, periods, n_pos, MANY), len(periods), n_pos)
    for row, period in enumerate(periods):
        same = first[row, 1 + period :] == first[row, 1:-period]
        compare(same, torch.ones_like(same), what=f"row {row}, compared with itself {period} places back,")


def test_nothing_repeats_earlier(submission, kit, rand):
    """Within one period tokens are random: in a large vocabulary they are hardly ever the same."""
    periods = [12, 15, 11]
    first = _first(kit.drawn_rows(submission.repeated_tokens, rand.seed, periods, 31, MANY), 3, 31)
    for row, period in enumerate(periods):
        different = len(set(first[row, 1 : 1 + period].tolist()))
        assert different >= period - 2, (
            f"Row {row} has period {period}, but only {different} different tokens in its first {period} after BOS."
        )


def test_period_longer_than_the_row(submission, kit, rand):
    """A period may be as long as the row, or longer: then the row is random to its end."""
    first = _first(kit.drawn_rows(submission.repeated_tokens, rand.seed, [10, 11, 12, 40], 12, MANY), 4, 12)
    for row in range(4):
        different = len(set(first[row].tolist()))
        assert different >= 9, (
            f"Row {row} has 12 positions and no room for a second copy; only {different} tokens differ."
        )


def test_periods_as_a_tensor(submission, kit, rand):
    """`periods` may also be an int64 tensor."""
    first = _first(kit.drawn_rows(submission.repeated_tokens, rand.seed, torch.tensor([4, 2, 3]), 9, MANY), 3, 9)
    for row, period in enumerate([4, 2, 3]):
        same = first[row, 1 + period :] == first[row, 1:-period]
        assert same.all(), f"Row {row} does not repeat with its period, {period}."


def test_one_other_token(submission, kit, rand):
    """With d_vocab = 2 there is one token besides BOS, and every row is full of it."""
    first = _first(kit.drawn_rows(submission.repeated_tokens, rand.seed, [4, 1, 3], 8, 2, bos=1), 3, 8)
    expected = torch.ones(3, 8, dtype=torch.int64)
    expected[:, 0] = 0
    compare(first, expected, what="the first position at which each token stands in its row", axes=AXES)


@pytest.mark.parametrize("bos", [0, 3, 8])
def test_drawn_evenly(submission, kit, rand, bos):
    """All tokens but bos are drawn, each as often as any other, and bos never."""
    found = kit.token_statistics(submission.repeated_tokens, rand.seed, 12, 1000, 9, bos)
    assert len(found["tokens"]) == 9, "There are tokens of d_vocab or more: the largest is d_vocab - 1."
    assert not found["bos"], f"With bos = {bos}, the token {bos} is drawn as well. It belongs to the beginning only."
    for token, share in enumerate(found["tokens"].tolist()):
        if token != bos:
            often = {0: "never", 0.5: "too seldom", 2: "too often"}.get(share)
            assert share == 1, f"Of the tokens 0 .. 8, with bos = {bos}, the token {token} is drawn {often}."


def test_drawn_independently(submission, kit, rand):
    """Neither the token before it nor the other rows tell anything about a token: each row has a sequence of its own."""
    found = kit.token_statistics(submission.repeated_tokens, rand.seed, 12, 1000, 9, 0)
    assert found["neighbours"] <= 1, "Within one period, equal tokens stand side by side much too often."
    assert found["neighbours"] == 1, (
        "Within one period, a token is hardly ever followed by itself: draw each on its own, so that one may come again."
    )
    assert found["rows"] <= 1, "Rows look alike: draw a new sequence for each row."
    assert found["rows"] == 1, "Rows differ more than they would by chance: draw each one on its own."


def test_generator(submission, kit, rand):
    """Everything is drawn from `generator`: the same seed gives the same rows, and the next call gives others."""
    same = kit.drawn_again(submission.repeated_tokens, rand.seed)
    assert same["the same seed"], (
        "Two generators with the same seed give different rows: pass `generator` on to every draw."
    )
    assert not same["another seed"], "Generators with different seeds give the same rows: pass `generator` on."
    assert not same["one generator, used twice"], "A second call with the same generator gives the same rows again."
    assert not same["generator=None, twice"], "Without a generator, each call gives the same rows again."
    assert same["generator=None, torch's own with the same seed"], (
        "Without a generator torch's own is to be used: after the same torch.manual_seed, rows should be the same."
    )


def _draw(period, d_vocab, bos, generator):
    sequence = torch.randint(d_vocab - 1, (int(period),), generator=generator)
    return sequence + (sequence >= bos)


def _rows(periods, n_pos, bos, sequence_of):
    """BOS and then sequence_of(period), over and over, cut to n_pos."""
    rows = []
    for period in periods:
        sequence = sequence_of(int(period))
        rows.append(sequence.repeat(math.ceil(n_pos / len(sequence)))[: n_pos - 1])
    return torch.cat([torch.full((len(rows), 1), bos), torch.stack(rows)], dim=1)


@mistake("You count BOS into the period, so that it comes again with every copy: what repeats begins after it.")
def bos_is_part_of_the_period(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = []
    for period in periods:
        sequence = torch.cat([torch.tensor([bos]), _draw(period - 1, d_vocab, bos, generator)])
        rows.append(sequence.repeat(math.ceil(n_pos / len(sequence)))[:n_pos])
    return torch.stack(rows)


@mistake("You put BOS before every copy: it stands once, at the beginning of the row.")
def bos_before_every_copy(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = []
    for period in periods:
        sequence = torch.cat([torch.tensor([bos]), _draw(period, d_vocab, bos, generator)])
        rows.append(sequence.repeat(math.ceil(n_pos / len(sequence)))[:n_pos])
    return torch.stack(rows)


@mistake("There is no BOS at the beginning: position 0 holds bos, the random tokens start at position 1.")
def no_bos(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows(periods, n_pos + 1, bos, lambda p: _draw(p, d_vocab, bos, generator))[:, 1:]


@mistake("Rows are one too long: n_pos counts BOS.")
def one_too_long(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows(periods, n_pos + 1, bos, lambda p: _draw(p, d_vocab, bos, generator))


@mistake("bos is drawn as a random token too. Draw from d_vocab - 1 tokens and step over bos.")
def draws_bos_too(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows(periods, n_pos, bos, lambda p: torch.randint(d_vocab, (p,), generator=generator))


@mistake(
    "You leave out token 0, whatever bos is: with another bos, 0 is a token like any other, and bos must not come."
)
def steps_over_zero(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows(periods, n_pos, bos, lambda p: torch.randint(1, d_vocab, (p,), generator=generator))


@mistake(
    "Where bos was drawn you take its neighbour instead, which then comes twice as often. Draw from d_vocab - 1 tokens, and "
    "add 1 to all that are at least bos."
)
def replaces_bos_by_its_neighbour(periods, n_pos, d_vocab, bos=0, generator=None):
    def sequence_of(period):
        sequence = torch.randint(d_vocab, (period,), generator=generator)
        return torch.where(sequence == bos, (bos + 1) % d_vocab, sequence)

    return _rows(periods, n_pos, bos, sequence_of)


@mistake("The last token of the vocabulary is never drawn: randint leaves its upper end out already.")
def never_the_last_token(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows(periods, n_pos, bos, lambda p: _draw(p, max(2, d_vocab - 1), bos, generator))


@mistake("You shuffle the vocabulary, so that no token comes twice within a period. Draw each token on its own.")
def shuffles(periods, n_pos, d_vocab, bos=0, generator=None):
    def sequence_of(period):
        parts = [torch.randperm(d_vocab - 1, generator=generator) for _ in range(math.ceil(period / (d_vocab - 1)))]
        sequence = torch.cat(parts)[:period]
        return sequence + (sequence >= bos)

    return _rows(periods, n_pos, bos, sequence_of)


@mistake("All rows use the same random tokens: draw anew for each row.")
def one_sequence_for_all(periods, n_pos, d_vocab, bos=0, generator=None):
    tokens = _draw(max(int(p) for p in periods), d_vocab, bos, generator)
    return _rows(periods, n_pos, bos, lambda p: tokens[:p])


@mistake("All rows repeat with the first period: row b has period periods[b].")
def first_period_for_all(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows([periods[0]] * len(periods), n_pos, bos, lambda p: _draw(p, d_vocab, bos, generator))


@mistake("All rows repeat with the longest period: row b has period periods[b].")
def longest_period_for_all(periods, n_pos, d_vocab, bos=0, generator=None):
    longest = max(int(p) for p in periods)
    return _rows([longest] * len(periods), n_pos, bos, lambda p: _draw(p, d_vocab, bos, generator))


@mistake("You write the sequence twice and stop: short periods need more copies to fill the row.")
def two_copies_only(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = [_draw(p, d_vocab, bos, generator).repeat(2)[: n_pos - 1] for p in periods]
    return torch.cat([torch.full((len(rows), 1), bos), torch.stack(rows)], dim=1)


@mistake("After the second copy you fill the row with new random tokens: it has to repeat to its end.")
def random_after_two_copies(periods, n_pos, d_vocab, bos=0, generator=None):
    def sequence_of(period):
        return torch.cat([_draw(period, d_vocab, bos, generator).repeat(2), _draw(n_pos, d_vocab, bos, generator)])

    return _rows(periods, n_pos, bos, sequence_of)


@mistake(
    "You take only as many copies as fit whole, so that rows come out short: round up, then cut off what is too much."
)
def rounds_down(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = [_draw(p, d_vocab, bos, generator).repeat((n_pos - 1) // int(p))[: n_pos - 1] for p in periods]
    return torch.cat([torch.full((len(rows), 1), bos), torch.stack(rows)], dim=1)


@mistake("repeat_interleave writes every token several times in a row; the sequence as a whole repeats: use repeat.")
def repeats_each_token(periods, n_pos, d_vocab, bos=0, generator=None):
    rows = []
    for period in periods:
        sequence = _draw(period, d_vocab, bos, generator)
        rows.append(sequence.repeat_interleave(math.ceil((n_pos - 1) / int(period)))[: n_pos - 1])
    return torch.cat([torch.full((len(rows), 1), bos), torch.stack(rows)], dim=1)


@mistake("You do not use `generator`: give it to every function that draws.")
def ignores_the_generator(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows(periods, n_pos, bos, lambda p: _draw(p, d_vocab, bos, None))


@mistake(
    "Where there is no generator you make one with a fixed seed, and every call gives the same rows. Pass None on instead."
)
def fixed_seed_without_a_generator(periods, n_pos, d_vocab, bos=0, generator=None):
    generator = generator or torch.Generator().manual_seed(0)
    return _rows(periods, n_pos, bos, lambda p: _draw(p, d_vocab, bos, generator))


@mistake(
    "You start the generator again from its seed, so that each call, or each row, gets the same tokens. Just draw from it."
)
def starts_the_generator_again(periods, n_pos, d_vocab, bos=0, generator=None):
    if generator is not None:
        generator = torch.Generator().manual_seed(generator.initial_seed())
    return _rows(periods, n_pos, bos, lambda p: _draw(p, d_vocab, bos, generator))


@mistake("Rows are columns in your result: it is [batch, pos].")
def transposed(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows(periods, n_pos, bos, lambda p: _draw(p, d_vocab, bos, generator)).T


@mistake("Tokens must be whole numbers (int64), since they index the embedding; yours are floats.")
def floats(periods, n_pos, d_vocab, bos=0, generator=None):
    return _rows(periods, n_pos, bos, lambda p: _draw(p, d_vocab, bos, generator)).float()
