"""rotary: against angles worked by hand, what rotations must keep, complex numbers, and Llama in transformers."""

import pytest
import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake

AXES = "batch pos head d_head"


def _llama(x, positions, base):
    heads, d_head = x.shape[2:]
    config = LlamaConfig(
        hidden_size=heads * d_head,
        num_attention_heads=heads,
        head_dim=d_head,
        rope_parameters={"rope_type": "default", "rope_theta": base},
    )
    cos, sin = LlamaRotaryEmbedding(config)(x, positions.expand(x.shape[:2]))
    return apply_rotary_pos_emb(x, x, cos, sin, unsqueeze_dim=2)[0]


def test_one_pair_worked_by_hand(submission):
    """With d_head = 2 there is one pair, turned by p radians at position p: (1, 0) becomes (cos p, sin p)."""
    x = torch.tensor([1.0, 0.0]).expand(2, 3, 1, 2)
    angles = torch.tensor([0.0, 1.0, 2.0])
    expected = torch.stack([angles.cos(), angles.sin()], dim=-1)[:, None].expand(2, 3, 1, 2)
    compare(submission.rotary(x, torch.arange(3)), expected, what="the result", axes=AXES)


def test_two_pairs_worked_by_hand(submission):
    """With d_head = 4 and base 16, entries 0 and 2 turn by p, entries 1 and 3 by p / 4."""
    x = torch.tensor([1.0, 0.0, 0.0, 2.0]).expand(1, 3, 2, 4)
    positions = torch.tensor([1, 4, 6])
    fast, slow = positions.float(), positions / 4
    rows = torch.stack([fast.cos(), -2 * slow.sin(), fast.sin(), 2 * slow.cos()], dim=-1)
    result = submission.rotary(x, positions, 16.0)
    compare(result, rows[:, None].expand(1, 3, 2, 4), what="the result", axes=AXES)


def test_position_zero_changes_nothing(submission, rand):
    """At position 0 every angle is 0, and the vectors stay as they are."""
    x = rand.normal(2, 3, 5, 4)
    compare(submission.rotary(x, torch.zeros(3, dtype=torch.int64)), x, what="the result", axes=AXES)


def test_equals_llama(submission, rand):
    """The result is Llama's, for positions in order."""
    x = rand.normal(2, 7, 3, 8)
    positions = torch.arange(7)
    compare(submission.rotary(x, positions), _llama(x, positions, 10000.0), what="the result", axes=AXES)


@pytest.mark.parametrize("base", [10000.0, 500.0, 500000.0])
def test_any_positions_and_base(submission, rand, base):
    """Positions may skip, repeat and run backwards, and the base may be another."""
    x = rand.normal(2, 5, 3, 6)
    positions = rand.integers(300, 5)
    compare(submission.rotary(x, positions, base), _llama(x, positions, base), what="the result", axes=AXES)


def test_large_positions(submission, rand):
    """There is no last position: a text may go on for thousands of tokens."""
    x = rand.normal(2, 4, 3, 6)
    positions = torch.tensor([0, 1024, 2049, 5000])
    compare(submission.rotary(x, positions), _llama(x, positions, 10000.0), what="the result", atol=5e-3)


def test_positions_of_each_sequence(submission, rand):
    """With positions of shape [batch, pos], every sequence has its own."""
    x = rand.normal(4, 5, 3, 6)
    positions = rand.integers(100, 4, 5)
    expected = _llama(x, positions, 10000.0)
    compare(submission.rotary(x, positions), expected, what="the result", axes=AXES)


def test_equals_complex_multiplication(submission, rand):
    """A pair (a, b) turns as the complex number a + bi does when it is multiplied by exp(i * angle)."""
    x, positions = rand.normal(3, 4, 2, 10), rand.integers(50, 3, 4)
    angles = positions.double()[..., None] * 10000.0 ** (-torch.arange(5, dtype=torch.float64) / 5)
    pairs = torch.complex(x[..., :5].double(), x[..., 5:].double())
    turned = pairs * torch.polar(torch.ones_like(angles), angles)[:, :, None]
    expected = torch.cat([turned.real, turned.imag], dim=-1).float()
    compare(submission.rotary(x, positions), expected, what="the result", axes=AXES)


def test_only_the_distance_counts(submission, rand):
    """A query's dot product with a key stays the same when both move by the same number of positions."""
    q, k = rand.normal(2, 5, 3, 8), rand.normal(2, 5, 3, 8)
    k_positions, distance = rand.integers(40, 5), rand.integers(30, 5)

    def score(k_positions):
        q_turned = submission.rotary(q, k_positions + distance)
        return (q_turned * submission.rotary(k, k_positions)).sum(dim=-1)

    here, shifted, at_zero = score(k_positions), score(k_positions + 23), score(torch.zeros(5, dtype=torch.int64))
    compare(shifted, here, what="q . k after a shift by 23", axes="batch pos head", atol=1e-3)
    compare(at_zero, here, what="q . k with every key at position 0", axes="batch pos head", atol=1e-3)


def _turn(x, angles, *, sign=1):
    """Rotate halves by angles [..., pos, 1 (head), d_head / 2]."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), sign * angles.sin()
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def _frequencies(x, base):
    return base ** (-torch.arange(0, x.shape[-1], 2) / x.shape[-1])


def _angles(x, positions, base):
    return positions[..., None, None] * _frequencies(x, base)


@mistake("You pair neighbours, (2i, 2i + 1), as GPT-J does. Llama pairs entry i with entry i + d_head / 2.")
def pairs_neighbours(x, positions, base=10000.0):
    halves = torch.cat([x[..., ::2], x[..., 1::2]], dim=-1)
    first, second = ref.rotary(halves, positions, base).chunk(2, dim=-1)
    return torch.stack([first, second], dim=-1).flatten(-2)


@mistake(
    "You mix two layouts: entries i and i + d_head / 2 are one pair, so they need the SAME angle (cat, not interleave)."
)
def interleaved_angles(x, positions, base=10000.0):
    angles = _angles(x, positions, base).repeat_interleave(2, dim=-1)
    first, second = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()


@mistake("You rotate the other way: (a, b) becomes (a cos - b sin, b cos + a sin).")
def wrong_direction(x, positions, base=10000.0):
    return _turn(x, _angles(x, positions, base), sign=-1)


@mistake(
    "Both halves get a minus (or both a plus): (a, b) becomes (a cos - b sin, b cos + a sin); this is not a rotation."
)
def no_rotation(x, positions, base=10000.0):
    angles = _angles(x, positions, base)
    first, second = x.chunk(2, dim=-1)
    return torch.cat(
        [first * angles.cos() - second * angles.sin(), second * angles.cos() - first * angles.sin()], dim=-1
    )


@mistake("You rotate by the index in the sequence. Use `positions`: they need not be 0, 1, 2, ...")
def ignores_positions(x, positions, base=10000.0):
    return ref.rotary(x, torch.arange(x.shape[1]), base)


@mistake("You use the positions of the first sequence for all of them.")
def first_sequence_for_all(x, positions, base=10000.0):
    return ref.rotary(x, positions[0] if positions.ndim == 2 else positions, base)


@mistake("Your angle depends on the head, not on the position: give the angles an axis of size 1 for head.")
def turns_heads(x, positions, base=10000.0):
    return _turn(x, torch.arange(x.shape[2])[:, None] * _frequencies(x, base))


@mistake("Your frequencies fall too slowly: the exponent is -2i / d_head, with i up to d_head / 2 - 1.")
def exponent_without_two(x, positions, base=10000.0):
    return _turn(x, positions[..., None, None] * base ** (-torch.arange(x.shape[-1] // 2) / x.shape[-1]))


@mistake("Your frequencies run the other way round: pair 0 turns fastest, by 1 radian a position.")
def slowest_first(x, positions, base=10000.0):
    return _turn(x, positions[..., None, None] * _frequencies(x, base).flip(0))


@mistake("Your frequencies grow: the exponent is negative, base^(-2i / d_head).")
def growing_frequencies(x, positions, base=10000.0):
    return _turn(x, positions[..., None, None] / _frequencies(x, base))


@mistake("You put the results side by side, pair by pair. Both halves stay halves: cat the first and the second.")
def interleaves_the_result(x, positions, base=10000.0):
    return torch.stack(ref.rotary(x, positions, base).chunk(2, dim=-1), dim=-1).flatten(-2)


@mistake("Your base is always 10000: use the argument.")
def constant_base(x, positions, base=10000.0):
    return ref.rotary(x, positions)


@mistake("You count positions from 1: at position 0 nothing turns.")
def counts_from_one(x, positions, base=10000.0):
    return ref.rotary(x, positions + 1, base)


@mistake("You compute the second half from the first half that is already rotated: keep the old one.")
def uses_the_new_first_half(x, positions, base=10000.0):
    angles = _angles(x, positions, base)
    first, second = x.chunk(2, dim=-1)
    first = first * angles.cos() - second * angles.sin()
    return torch.cat([first, second * angles.cos() + first * angles.sin()], dim=-1)


@mistake("You rotate only the first half of each vector; the second half must turn with it.")
def leaves_the_second_half(x, positions, base=10000.0):
    first, second = x.chunk(2, dim=-1)
    return torch.cat([ref.rotary(x, positions, base)[..., : first.shape[-1]], second], dim=-1)
