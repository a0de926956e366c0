"""Grader of `centred`."""

from dojo.grading import mistake


def test_by_hand(submission):
    """The mean of 2, 1 and 6 is 3, so the centred values are -1, -2 and 3."""
    values = submission.centred([2.0, 1.0, 6.0])
    assert values == [-1.0, -2.0, 3.0], f"expected [-1.0, -2.0, 3.0], not {values}"


def test_agrees(agree, rand):
    """Agrees with the reference on random values."""
    agree("centred", [float(rand.integers(100)) for _ in range(7)], what="the centred values")


@mistake("You subtract the first value, not the mean.")
def from_the_first(values):
    return [value - values[0] for value in values]


@mistake("You add the mean: subtract it.")
def adds(values):
    return [value + sum(values) / len(values) for value in values]


@mistake("You subtract each value from the mean; the other way round.")
def wrong_way_round(values):
    return [sum(values) / len(values) - value for value in values]


@mistake("You divide by the mean.")
def divides(values):
    return [value / (sum(values) / len(values)) for value in values]


@mistake("You subtract the smallest value, not the mean.")
def from_the_smallest(values):
    return [value - min(values) for value in values]
