"""References of the chapter Small steps."""

import math
from dataclasses import dataclass


@dataclass
class Scale:
    """How much to multiply by."""

    factor: float = 1.0


def mean(values: list[float]) -> float:
    """The mean of values [n], n >= 1; raises ValueError where there are none."""
    if not values:
        raise ValueError("an empty list has no mean")
    return math.fsum(values) / len(values)


class Total:
    """A running total."""

    def __init__(self, start: float = 0.0):
        self.value = start

    def add(self, amount: float) -> float:
        """Add `amount`; returns the total so far."""
        ### BEGIN SOLUTION
        self.value += amount
        ### END SOLUTION
        return self.value


def centred(values: list[float]) -> list[float]:
    """The values with their mean subtracted."""
    middle = mean(values)
    return [value - middle for value in values]


def describe(total: Total) -> str:
    return f"total {total.value}"
