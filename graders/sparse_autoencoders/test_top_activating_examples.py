"""Grades `top_activating_examples`: tables by hand, and a slow search that looks at one row after another."""

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake

WHAT = "the list of examples"


def activations(rand, batch, pos, density=0.4):
    """One latent at every token: different numbers, mostly 0, and a whole row without any."""
    values = rand.uniform(batch, pos, low=0.2, high=9.0) * (rand.uniform(batch, pos) < density)
    values[torch.arange(batch), rand.integers(pos, batch)] += rand.uniform(batch, low=0.5, high=2.0)
    values[int(rand.integers(batch, 1))] = 0
    return values


def slow(activation, n):
    best = []
    for row, values in enumerate(activation.tolist()):
        if max(values) > 0:
            best.append((row, values.index(max(values)), max(values)))
    return sorted(best, key=lambda example: -example[2])[:n]


def test_by_hand(submission):
    """Three rows; the two largest entries stand in the same row, and only the first of them counts."""
    activation = torch.tensor([[0.0, 1.5, 0.0, 0.5], [7.0, 0.0, 9.0, 0.0], [0.0, 0.0, 0.0, 4.0]])
    expected = [(1, 2, 9.0), (2, 3, 4.0)]
    compare(submission.top_activating_examples(activation, 2), expected, what=WHAT)


@pytest.mark.parametrize("batch, pos, n", [(9, 5, 4), (6, 11, 3), (12, 4, 1)])
def test_agrees_with_a_slow_search(submission, rand, batch, pos, n):
    """The examples are right, the strongest first, one a row."""
    activation = activations(rand, batch, pos)
    compare(submission.top_activating_examples(activation, n), slow(activation, n), what=WHAT)


@pytest.mark.parametrize("n", [7, 50])
def test_fewer_than_n(submission, rand, n):
    """Rows without any activation are left out, also when fewer than n remain; n may be larger than the batch."""
    activation = activations(rand, 8, 5)
    activation[1:4] = 0
    compare(submission.top_activating_examples(activation, n), slow(activation, n), what=WHAT)


def test_never_active(submission):
    """A latent that is never active has no examples: an empty list."""
    compare(submission.top_activating_examples(torch.zeros(3, 4), 2), [], what=WHAT)


def test_equal_activations(submission):
    """Of equal activations in a row the first counts, and of equal rows the earlier one comes first."""
    activation = torch.tensor([[0.0, 2.0, 2.0], [5.0, 1.0, 5.0], [0.0, 0.0, 2.0], [0.0, 5.0, 0.0], [0.0, 0.0, 0.0]])
    expected = [(1, 0, 5.0), (3, 1, 5.0), (0, 1, 2.0), (2, 2, 2.0)]
    compare(submission.top_activating_examples(activation, 4), expected, what=WHAT)


def test_a_short_strong_row_and_a_long_weak_one(submission):
    """A row counts by its largest activation, not by how much of it there is."""
    activation = torch.tensor([[1.0, 1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 3.0, 0.0], [2.0, 0.0, 1.5, 0.0, 0.0]])
    expected = [(1, 3, 3.0), (2, 0, 2.0), (0, 0, 1.0)]
    compare(submission.top_activating_examples(activation, 3), expected, what=WHAT)


# --- known mistakes: those that are wrong in fewer places first ---


def search(activation, n, key=lambda example: -example[2], place=None, keep=lambda value: value > 0):
    place = place or (lambda values: values.index(max(values)))
    rows = [(row, place(values), max(values)) for row, values in enumerate(activation.tolist())]
    return sorted((example for example in rows if keep(example[2])), key=key)[:n]


@mistake("Of equal rows the later one comes first: sort stably, or by the row's number next.")
def later_row_first(activation, n):
    return search(activation, n, key=lambda example: (-example[2], -example[0]))


@mistake("Of equal activations in a row you take the last: take the first.")
def last_of_equals(activation, n):
    return search(activation, n, place=lambda values: len(values) - 1 - values[::-1].index(max(values)))


@mistake("Rows in which the latent is never active fill up the list: leave them out.")
def silent_rows(activation, n):
    return search(activation, n, keep=lambda value: True)


@mistake("A latent that is never active gives an error instead of an empty list.")
def error_if_silent(activation, n):
    if not (activation > 0).any():
        raise ValueError("this latent is dead")
    return ref.top_activating_examples(activation, n)


@mistake("With n larger than the number of rows you raise an error: return fewer.")
def error_if_few(activation, n):
    if n > len(activation):
        raise RuntimeError("selected index k out of range")
    return ref.top_activating_examples(activation, n)


@mistake("A row may come twice: of each row only its largest activation counts.")
def several_a_row(activation, n):
    values, places = activation.flatten().sort(descending=True, stable=True)
    pos = activation.shape[1]
    return [
        (*divmod(place, pos), value)
        for place, value in zip(places[:n].tolist(), values[:n].tolist(), strict=True)
        if value > 0
    ]


@mistake("You rank rows by their sum: a row counts by its largest activation.")
def ranked_by_sum(activation, n):
    sums = activation.sum(dim=-1).tolist()
    return search(activation, n, key=lambda example: -sums[example[0]])


@mistake("You return each row's sum (or mean) as its activation: return the largest.")
def mean_as_the_activation(activation, n):
    return [
        (row, position, activation[row].mean().item())
        for row, position, _ in ref.top_activating_examples(activation, n)
    ]


@mistake("The weakest come first: sort downwards.")
def weakest_first(activation, n):
    return search(activation, n, key=lambda example: example[2])


@mistake("The right examples, but in the order of the rows: the strongest comes first.")
def in_the_order_of_rows(activation, n):
    return sorted(ref.top_activating_examples(activation, n))


@mistake("Position and row are exchanged: (row, position, activation).")
def exchanged(activation, n):
    return [(position, row, value) for row, position, value in ref.top_activating_examples(activation, n)]


@mistake("The position is one too far: it is that of the token on which the latent is active, not of the next.")
def next_token(activation, n):
    return [(row, position + 1, value) for row, position, value in ref.top_activating_examples(activation, n)]


@mistake("You give rank instead of row: after sorting, look up which row it was.")
def rank_for_row(activation, n):
    found = ref.top_activating_examples(activation, n)
    return [(rank, position, value) for rank, (_, position, value) in enumerate(found)]


@mistake("The positions are those of the first rows, not of the sorted ones: index them with the same order.")
def positions_not_sorted(activation, n):
    positions = activation.argmax(dim=-1).tolist()
    found = ref.top_activating_examples(activation, n)
    return [(row, positions[rank], value) for rank, (row, _, value) in enumerate(found)]


@mistake("You return the places without the activation: (row, position, activation).")
def places_only(activation, n):
    return [(row, position) for row, position, _ in ref.top_activating_examples(activation, n)]


@mistake("Activations are divided by the largest: return them as they are.")
def as_fractions(activation, n):
    top = activation.max().item() or 1.0
    return [(row, position, value / top) for row, position, value in ref.top_activating_examples(activation, n)]


@mistake("You look for the largest of each column: rows are texts, so take the largest over positions.")
def largest_of_columns(activation, n):
    return [(row, position, value) for position, row, value in ref.top_activating_examples(activation.T, n)]


@mistake("You leave out position 0: it is a token like any other.")
def without_the_first(activation, n):
    masked = activation.clone()
    masked[:, 0] = 0
    return ref.top_activating_examples(masked, n)
