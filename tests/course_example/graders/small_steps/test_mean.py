"""Grader of `mean`: plain numbers, so that it needs no torch."""

from dojo.grading import mistake, raises


def test_three_values(submission):
    """The mean of 1, 2 and 6 is 3."""
    value = submission.mean([1.0, 2.0, 6.0])
    assert value == 3.0, f"the mean of 1, 2 and 6 is 3, not {value}"


def test_one_value_and_negative_ones(submission):
    """One value is its own mean, and values may be negative."""
    assert submission.mean([7.5]) == 7.5
    assert submission.mean([-4.0, 1.0]) == -1.5


def test_no_values(submission):
    """An empty list has no mean: ValueError."""
    with raises("ValueError"):
        submission.mean([])


@mistake("You return the total: divide it by the number of values.")
def total(values):
    return sum(values)


@mistake("That is the median: the mean uses all values.")
def median(values):
    return sorted(values)[len(values) // 2]


@mistake("You divide by one less than the number of values.")
def one_less(values):
    if not values:
        raise ValueError("no values")
    return sum(values) / max(len(values) - 1, 1)


@mistake("Whole-number division drops what is behind the point.")
def whole(values):
    if not values:
        raise ValueError("no values")
    return sum(values) // len(values)


@mistake("An empty list must raise ValueError: 0 would say that there is a mean.")
def empty_is_zero(values):
    return sum(values) / len(values) if values else 0.0
