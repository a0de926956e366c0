"""Grader of `Total`."""

from dojo.grading import mistake


def test_adds_up(submission):
    """After adding 2 and then 3 to a total that starts at 1, it is 6."""
    total = submission.Total(1.0)
    total.add(2.0)
    value = total.add(3.0)
    assert value == 6.0, f"1 + 2 + 3 is 6, not {value}"


def test_totals_are_apart(submission):
    """Two totals do not share what they remember."""
    one, other = submission.Total(), submission.Total(10.0)
    one.add(5.0)
    assert other.add(1.0) == 11.0
    assert one.add(0.5) == 5.5


@mistake("You return the amount: return the total so far.")
class ReturnsTheAmount:
    def __init__(self, start=0.0):
        self.value = start

    def add(self, amount):
        self.value += amount
        return amount


@mistake("You return the total before adding.")
class TotalBefore:
    def __init__(self, start=0.0):
        self.value = start

    def add(self, amount):
        self.value += amount
        return self.value - amount


@mistake("The start is forgotten: it is part of the total.")
class ForgetsTheStart:
    def __init__(self, start=0.0):
        self.value = 0.0

    def add(self, amount):
        self.value += amount
        return self.value


@mistake("Nothing is remembered: assign to self.value.")
class RemembersNothing:
    def __init__(self, start=0.0):
        self.value = start

    def add(self, amount):
        return self.value + amount


@mistake("You subtract.")
class Subtracts:
    def __init__(self, start=0.0):
        self.value = start

    def add(self, amount):
        self.value -= amount
        return self.value
